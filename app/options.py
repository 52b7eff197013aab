"""Options of the ``sepprune-live`` command."""

from __future__ import annotations

import argparse

from sepprune import __version__
from sepprune.arguments import Parser

from .engine.controls import ROUTINGS
from .engine.protocol import DEMO, NONE, RECORDING_FORMATS


def parser() -> argparse.ArgumentParser:
    """The parser of the command line."""
    options = Parser(prog="sepprune-live", description="Separate two voices live, at any level.")
    options.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    options.add_argument(
        "--input",
        metavar="DEVICE|FILE",
        help=f"microphone, sound file, or {DEMO} for the bundled demo mixture (default: the system's microphone, "
        f"or {DEMO} where there is none)",
    )
    options.add_argument(
        "--output",
        metavar="DEVICE",
        help=f"loudspeaker, or {NONE} to discard sound (default: {NONE} with a microphone, to avoid acoustic feedback; "
        "otherwise the system's loudspeaker)",
    )
    options.add_argument("--level", type=int, help="level of the ladder, 0 is dense (default: 0)")
    options.add_argument("--ladder", metavar="FOLDER", help="folder of the ladder (default: the bundled ladder)")
    options.add_argument("--chunk-ms", type=float, help="chunk duration, raised to whole hops (default: 8)")
    options.add_argument("--backend", help="auto, openvino, onnxruntime, torch or cuda (default: auto)")
    options.add_argument(
        "--precision",
        help="fp32; int8: weights in 8 bits, arithmetic in fp32; bf16 (if the processor supports it; error about "
        "-40 dB) (default: the fastest on this machine, which the first start measures)",
    )
    options.add_argument(
        "--threads",
        type=int,
        default=1,
        help="processor threads that share a chunk (default: 1; more are faster for large levels only: measure with "
        "sepprune bench --threads 1,2)",
    )
    options.add_argument(
        "--remeasure",
        action="store_true",
        help="measure again, while the sound runs, which backend and precision is fastest on this machine",
    )
    options.add_argument("--routing", choices=ROUTINGS, help="what the output plays (default: both)")
    options.add_argument("--seconds", type=float, help="stop after this many seconds")
    options.add_argument(
        "--loop",
        action=argparse.BooleanOptionalAction,
        help="start a file again at its end (default: yes in the window and with --seconds)",
    )
    options.add_argument(
        "--fallback",
        action="store_true",
        default=None,
        help="switch to a lighter level while chunks miss their deadline, and back afterwards (off by default)",
    )
    options.add_argument(
        "--record", metavar="FOLDER", help="record mixture and voices from the start, into a new folder in FOLDER"
    )
    options.add_argument(
        "--record-format", choices=RECORDING_FORMATS, help="32-bit float WAV, or 24-bit FLAC (default: wav)"
    )
    options.add_argument(
        "--headless", action="store_true", help="run without a window, and print a latency table at the end"
    )
    options.add_argument(
        "--round-trip",
        action="store_true",
        help="measure the delay from output to input with chirps, through a cable or the air, and exit",
    )
    options.add_argument(
        "--study", metavar="STUDY.zip", help="run a listening test from sepprune study create, and nothing else"
    )
    options.add_argument(
        "--blind",
        metavar="A,B",
        help="compare two levels, or a level and bypass, on the running sound without knowing which one is heard (ABX)",
    )
    options.add_argument(
        "--headphone-check",
        action="store_true",
        help="with --blind: ask first which of three tones is the softest, which only headphones tell",
    )
    options.add_argument("--trials", type=int, metavar="N", help="with --blind: questions that count (default: 16)")
    options.add_argument(
        "--results",
        metavar="FOLDER",
        help="with --study or --blind: folder for result files (default: the folder of the study; SepPrune in the "
        "user's documents)",
    )
    options.add_argument("--report", metavar="FILE", help="write the latency report as JSON")
    options.add_argument("--screenshot", metavar="FILE", help="save a picture of the window at the end")
    options.add_argument("--list-devices", action="store_true", help="show microphones and loudspeakers")
    options.add_argument(
        "--json",
        metavar="FILE",
        help="with --headless, --round-trip or --list-devices: write the result as one JSON object; - is standard "
        "output",
    )
    options.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return options

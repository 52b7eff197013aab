"""The ``sepprune-live`` command: the app, or the same engine without a window."""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sepprune import __version__
from sepprune.arguments import Parser
from sepprune.errors import UserError

from .engine.protocol import DEMO, NONE, RECORDING_FORMATS, ROUTINGS, DeviceInfo, Settings

#: options that are settings; the window remembers those that are not given
_CHOICES = (
    "input",
    "output",
    "level",
    "ladder",
    "chunk_ms",
    "routing",
    "backend",
    "loop_file",
    "fallback",
    "precision",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the app; returns its exit status (0 done, 1 our fault, 2 the user's input is wrong)."""
    multiprocessing.freeze_support()
    args = _parser().parse_args(arguments)
    try:
        return _run(args)
    except UserError as error:
        if args.debug:
            traceback.print_exc()
        _say(str(error))
        return 2
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _parser() -> argparse.ArgumentParser:
    parser = Parser(prog="sepprune-live", description="Separate two voices live, at any level.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    parser.add_argument(
        "--input",
        metavar="DEVICE|FILE",
        help=f"microphone, sound file, or {DEMO} for the mixture "
        f"that ships (default: the system's microphone, {DEMO} where there is none)",
    )
    parser.add_argument(
        "--output",
        metavar="DEVICE",
        help=f"loudspeaker, or {NONE} to discard sound (default: {NONE} "
        "with a microphone, which could howl, else the system's)",
    )
    parser.add_argument("--level", type=int, help="level of the ladder, 0 is dense (default: 0)")
    parser.add_argument("--ladder", metavar="FOLDER", help="ladder to use (default: the one that ships)")
    parser.add_argument("--chunk-ms", type=float, help="chunk duration, raised to whole hops (default: 8)")
    parser.add_argument("--backend", help="what computes: auto, openvino, onnxruntime, torch or cuda (default: auto)")
    parser.add_argument(
        "--precision",
        help="fp32; int8: weights in 8 bits, arithmetic in fp32; bf16, on processors "
        "that have it: errors are about -40 dB (default: what is fastest here, as the first start "
        "measures)",
    )
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        help="processor threads that share a chunk (default: 1; more "
        "pays for large levels only: sepprune bench --threads 1,2 tells)",
    )
    parser.add_argument(
        "--remeasure",
        action="store_true",
        help="measure anew, beside the stream, which backend and precision is fastest on this machine",
    )
    parser.add_argument("--routing", choices=ROUTINGS, help="what to listen to (default: both)")
    parser.add_argument("--seconds", type=float, help="stop after so many seconds")
    parser.add_argument(
        "--loop",
        dest="loop_file",
        action=argparse.BooleanOptionalAction,
        help="start a file again at its end, or not (default: yes in the window and with --seconds)",
    )
    parser.add_argument(
        "--fallback",
        action="store_true",
        default=None,
        help="go to a lighter level while chunks come too late, and back when it is calm",
    )
    parser.add_argument(
        "--record", metavar="FOLDER", help="record mixture and voices from the start, into a new folder in FOLDER"
    )
    parser.add_argument(
        "--record-format", choices=RECORDING_FORMATS, help="32-bit float WAV, or 24-bit FLAC (default: wav)"
    )
    parser.add_argument("--headless", action="store_true", help="no window: print a latency table at the end")
    parser.add_argument(
        "--round-trip",
        action="store_true",
        help="measure the delay from the output to the input with chirps, through a cable or the air, and end",
    )
    parser.add_argument("--report", metavar="FILE", help="write the latency report as JSON")
    parser.add_argument("--screenshot", metavar="FILE", help="save a picture of the window at the end")
    parser.add_argument("--list-devices", action="store_true", help="show microphones and loudspeakers")
    parser.add_argument(
        "--json",
        metavar="FILE",
        help="with --headless, --round-trip or --list-devices: write the "
        "result as one JSON object; - is standard output",
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def _run(args: argparse.Namespace) -> int:
    if args.list_devices:
        return _list_devices(args.json)
    if args.seconds is not None and not 0 < args.seconds < math.inf:
        raise UserError(f"--seconds is {args.seconds:g}: give a number above 0")
    for file in (args.report, args.screenshot, None if args.json == "-" else args.json):
        if file is not None and not Path(file).absolute().parent.is_dir():
            raise UserError(f"cannot write {file}: there is no folder {Path(file).absolute().parent}")
        if file is not None and Path(file).is_dir():
            raise UserError(f"cannot write {file}: it is a folder, give the name of a file")
    if args.record is not None:
        _check_folder(args.record)
    if args.round_trip:
        return _round_trip(args)
    headless = args.headless or not _has_display()
    if headless and not args.headless:
        _say("there is no display: running without a window, as --headless does")
    if not headless:
        try:
            from .ui.main import run
        except ImportError as error:
            _say(f"the window cannot open ({error}): running without it, as --headless does")
        else:
            given = frozenset(name for name in _CHOICES if getattr(args, name) is not None)
            return run(
                _settings(args, headless=False),
                args.seconds,
                args.report,
                args.screenshot,
                given,
                args.record,
                args.record_format,
            )
    return _headless(args)


def _headless(args: argparse.Namespace) -> int:
    from rich.console import Console

    from .engine.headless import Session, print_report

    if args.screenshot is not None:
        _say("there is no window to take a screenshot of")
    settings = _settings(args, headless=True)
    outcome = Session(settings, args.seconds, args.record, _say, args.record_format or RECORDING_FORMATS[0]).run()
    if outcome.report is not None:
        if args.json != "-":
            print_report(outcome.report, Console())
        for file in filter(None, (args.report, args.json)):
            _write_json(outcome.report, file)
    if outcome.problem is not None:
        _say(outcome.problem)
        return 2 if outcome.user_caused else 1
    return 130 if outcome.report is None else 0


def _round_trip(args: argparse.Namespace) -> int:
    from .engine.round_trip_session import measure_round_trip

    for option in ("seconds", "record", "screenshot"):
        if getattr(args, option) is not None:
            raise UserError(f"--round-trip measures and ends: leave out --{option}")
    outcome = measure_round_trip(_settings(args, headless=True), _say)
    if outcome.report is not None:
        if args.json != "-" and outcome.problem is None:
            message = outcome.report["message"]
            print(message[:1].upper() + message[1:])
        for file in filter(None, (args.report, args.json)):
            _write_json(outcome.report, file)
    if outcome.problem is not None:
        _say(outcome.problem)
        return 2 if outcome.user_caused else 1
    return 0


def _check_folder(folder: str) -> None:
    """Find out before any sound is lost whether recordings can be made in a folder."""
    existing = Path(folder).absolute()
    while not existing.exists():
        existing = existing.parent
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        why = "may not be written to" if existing.is_dir() else "is a file"
        raise UserError(f"cannot record into {folder}: {existing} {why}, choose another folder")


def _settings(args: argparse.Namespace, headless: bool) -> Settings:
    """Settings with the system's devices filled in where none were named."""
    input, output = args.input, args.output
    if input is None:
        microphone = _default_device("input")
        input = DEMO if microphone is None else microphone.identity
        if microphone is None:
            _say("there is no microphone: the demo mixture plays instead")
        elif output is None and not args.round_trip:
            _say(f'"{input}" is not played back, since it could howl: with headphones, choose --output')
            output = NONE
    if output is None:
        from .engine.connection import is_file

        loudspeaker = _default_device("output") if args.round_trip or is_file(input) else None
        output = NONE if loudspeaker is None else loudspeaker.identity
    return Settings(
        input=input,
        output=output,
        level=args.level or 0,
        ladder=args.ladder,
        chunk_ms=8.0 if args.chunk_ms is None else args.chunk_ms,
        routing=args.routing or "both",
        backend=args.backend or "auto",
        fallback=bool(args.fallback),
        precision=args.precision or "auto",
        remeasure=args.remeasure,
        threads=args.threads,
        loop_file=(not headless or args.seconds is not None) if args.loop_file is None else args.loop_file,
    )


def _default_device(direction: str) -> DeviceInfo | None:
    from .engine.devices import default_device

    try:
        return default_device(direction)
    except UserError:  # PortAudio is not installed; a file and no output still work
        return None


def _list_devices(destination: str | None) -> int:
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    from .engine.devices import list_devices

    found = list_devices()
    if destination is not None:
        _write_json({"devices": [asdict(info) for info in found]}, destination)
    if destination != "-":
        table = Table("direction", "device", "channels", "rate in Hz", "note")
        for info in found:
            table.add_row(
                info.direction,
                info.identity,
                str(info.channels),
                str(info.rate),
                "the computer's own sound" if info.is_monitor else "",
            )
        Console().print(table if found else "There are no audio devices.")
    return 0


def _has_display() -> bool:
    if sys.platform != "linux" or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _write_json(report: dict[str, Any], destination: str) -> None:
    text = json.dumps(report, indent=2, allow_nan=False)
    if destination == "-":
        print(text)
        return
    try:
        Path(destination).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise UserError(f"cannot write {destination}: {error.strerror}") from error


def _say(sentence: str) -> None:
    print(f"sepprune-live: {sentence}", file=sys.stderr, flush=True)

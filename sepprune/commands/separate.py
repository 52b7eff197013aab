"""``sepprune separate``: separate a sound file, chunk by chunk, as the live app does."""

from __future__ import annotations

import argparse
import math
import os
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..files import reason, whole_file
from ..media import STANDARD_INPUT
from ..printing import counted, plain_console
from ..streaming import Ladder, StreamingSeparator
from ..streaming.files import MonoFile, separated, wav_header, within_band
from ..streaming.stream import LARGEST
from .options import add_ladder, add_stream, add_threads, chosen_levels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "input",
        metavar="IN",
        help="sound file of any sample rate and channel count, up to 3 hours; M4A, MP4 and AAC need the extra media; - "
        "is standard input",
    )
    add_ladder(parser)
    levels = parser.add_mutually_exclusive_group()
    levels.add_argument("--level", type=int, help="level number: 0 (default) is dense, higher numbers are lighter")
    levels.add_argument("--levels", metavar="LIST", help="several levels, for example 0,4, or all")
    parser.add_argument(
        "--out",
        required=True,
        metavar="DIR",
        help="folder for the voices, one mono WAV file each at the ladder's sample rate (16 kHz for the bundled one), "
        "whatever the rate of IN; a level that is named is part of their names, as in IN_level4_voice1.wav",
    )
    add_stream(parser)
    add_threads(parser)


def run(args: argparse.Namespace) -> dict[str, Any] | list[dict[str, Any]]:
    ladder, notes = Ladder.load(args.ladder), plain_console(stderr=True)
    if os.path.isdir(args.input):  # a name that no file can have is refused by the reader
        raise UserError(
            f"{args.input} is a folder: give one sound file, or score a folder with sepprune evaluate --data"
        )
    levels = [ladder[args.level or 0].level]
    if args.levels is not None:
        levels = chosen_levels(args.levels, ladder)
    named = args.level is not None or args.levels is not None
    with MonoFile(args.input, ladder.sample_rate) as mixture:
        if mixture.note:
            notes.print(mixture.note, soft_wrap=True, highlight=False)
        results = [_separate(args, ladder, level, named, mixture) for level in levels]
        reports, limited = [report for report, _ in results], results[0][1]
        if limited:
            most = f"{20 * math.log10(LARGEST):.0f} dB beyond full scale"
            were = counted(limited, "sample was", "samples were")
            sentence = f"{args.input}: {were} more than {most} and limited: make it quieter"
            notes.print(sentence, soft_wrap=True, highlight=False)
        if mixture.bad:
            were = counted(mixture.bad, "sample was", "samples were")
            sentence = f"{args.input}: {were} not finite and replaced by zero"
            notes.print(sentence, soft_wrap=True)
    chunk_ms = reports[0]["chunk_ms"]
    if abs(chunk_ms - args.chunk_ms) > 1e-6:
        notes.print(f"the chunk of {args.chunk_ms:g} ms was rounded up to {chunk_ms:g} ms, whole hops", soft_wrap=True)
    if args.json != "-":
        for report in reports:
            plain_console().print(
                "\n".join(report["outputs"]),
                f"level {report['level']}, real-time factor {report['rtf']:.3f} on {report['backend']}",
                sep="\n",
                highlight=False,
                soft_wrap=True,
            )
    return reports[0] if args.levels is None else reports


def _separate(
    args: argparse.Namespace, ladder: Ladder, level: int, named: bool, mixture: MonoFile
) -> tuple[dict[str, Any], int]:
    """Write the voices at one level; the files are there when all of them are complete.

    Returns:
        The report, and how many samples of the mixture were limited.
    """
    stem = "stdin" if args.input == STANDARD_INPUT else Path(args.input).stem
    out, stem = Path(args.out), f"{stem}_level{level}" if named else stem
    outputs = [out / f"{stem}_voice{number}.wav" for number in range(1, ladder.sources + 1)]
    seconds, there = 0.0, out.is_dir()
    with StreamingSeparator(ladder, level, args.chunk_ms, args.backend, args.precision, args.threads) as stream:
        try:
            out.mkdir(parents=True, exist_ok=True)
            with ExitStack() as stack:
                files = [stack.enter_context(whole_file(output)) for output in outputs]
                for file in files:
                    file.write(wav_header(0, ladder.sample_rate))
                started = time.perf_counter()
                for part in within_band(separated(stream, mixture.blocks()), ladder.sample_rate, mixture.rate):
                    seconds += time.perf_counter() - started
                    for file, source in zip(files, part, strict=True):
                        file.write(np.ascontiguousarray(source, "<f4").tobytes())
                    started = time.perf_counter()
                for file in files:
                    file.seek(0)
                    file.write(wav_header(mixture.length, ladder.sample_rate))
        except OSError as error:
            if not there:
                with suppress(OSError):  # another level's voices may be in it
                    out.rmdir()
            raise UserError(f"cannot write into {out} ({reason(error)}): choose another folder with --out") from error
        report = {
            "outputs": [str(output) for output in outputs],
            "rtf": seconds * ladder.sample_rate / mixture.length,
            "sample_rate": ladder.sample_rate,
            "level": level,
            "backend": f"{stream.backend} {stream.precision}",
            "chunk_ms": 1000 * stream.chunk / stream.sample_rate,
            "bad_samples": mixture.bad,
        }
        return report, stream.limited_samples

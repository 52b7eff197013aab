"""``sepprune separate``: separate a sound file, chunk by chunk, as the live app does."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from rich.console import Console

from ..errors import UserError
from ..streaming import Ladder, StreamingSeparator
from ..streaming.files import read_mono, separate_signal
from .options import add_ladder, add_level, add_stream, add_threads


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("input", metavar="IN", help="sound file of any sample rate, channel count and length")
    add_ladder(parser)
    add_level(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="folder for the voices, one WAV file each")
    add_stream(parser)
    add_threads(parser)


def run(args: argparse.Namespace) -> dict[str, Any]:
    import soundfile

    ladder, path, out, notes = Ladder.load(args.ladder), Path(args.input), Path(args.out), Console(stderr=True)
    mixture, bad = read_mono(path, ladder.sample_rate)
    if bad:
        notes.print(f"{path}: {bad} samples were not finite and were replaced by zero", soft_wrap=True)
    with StreamingSeparator(ladder, args.level, args.chunk_ms, args.backend, args.precision, args.threads) as stream:
        sources, rtf = separate_signal(stream, mixture)
        chunk_ms, backend = 1000 * stream.chunk / stream.sample_rate, f"{stream.backend} {stream.precision}"
    if abs(chunk_ms - args.chunk_ms) > 1e-6:
        notes.print(f"the chunk of {args.chunk_ms:g} ms was rounded up to {chunk_ms:g} ms, whole hops", soft_wrap=True)
    outputs = [out / f"{path.stem}_voice{number}.wav" for number in range(1, len(sources) + 1)]
    try:
        out.mkdir(parents=True, exist_ok=True)
        for output, source in zip(outputs, sources, strict=True):
            soundfile.write(output, source, ladder.sample_rate, subtype="FLOAT")
    except (OSError, soundfile.LibsndfileError) as error:
        raise UserError(f"cannot write into {out} ({error}): choose another folder with --out") from error
    if args.json != "-":
        Console().print(
            "\n".join(map(str, outputs)),
            f"\nlevel {args.level}, real-time factor {rtf:.3f} on {backend}",
            highlight=False,
            soft_wrap=True,
        )
    return {
        "outputs": [str(output) for output in outputs],
        "rtf": rtf,
        "sample_rate": ladder.sample_rate,
        "level": args.level,
        "backend": backend,
        "chunk_ms": chunk_ms,
        "bad_samples": bad,
    }

"""``sepprune export``: write a level as ONNX or OpenVINO, for other programs."""

from __future__ import annotations

import argparse
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import UserError
from ..extras import require
from ..files import reason, whole_file
from ..printing import plain_console
from ..streaming import Ladder
from ..streaming.export import FILES, export_files
from ..streaming.runner import LevelRunner, call_samples
from ..streaming.stream import chunk_samples
from .options import add_ladder, add_level

_SUFFIX = {"onnx": ".onnx", "openvino": ".xml"}
_EXPLAINED = """\
A call maps signal (1, {past} + {samples}) and state to sources (1, {sources}, {samples}) and new_state.
The signal is {past} samples of the past (zeros at first) followed by the chunk of {samples} samples.
The state starts as zeros. After each call, new_state replaces the first numbers of the state.
Sources lag the mixture by {delay} samples."""
_SEGMENT = """After every {calls} calls (a segment of {segment} frames), run {end} in the same way on the state."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_ladder(parser)
    parser.description = (
        "Write a level as ONNX or OpenVINO. One call processes one chunk: signal (samples of the past, then the chunk) "
        "and state go in, sources and new_state come out. A level whose state needs upkeep at the ends of segments "
        "(skim) gets a second file, FILE.end_segment.onnx or .xml, that maps state to new_state; run it after every "
        "segment. It needs the extra train, and for ONNX also the extra onnx: python3 run.py setup train onnx."
    )
    add_level(parser)
    parser.add_argument("--format", choices=sorted(_SUFFIX), required=True, help="kind of file")
    parser.add_argument(
        "--out", required=True, metavar="F", help="file to write: .onnx, or .xml, which gets a .bin beside it"
    )
    parser.add_argument(
        "--chunk-ms", type=float, default=8.0, help="duration of a chunk in ms, rounded up to whole hops"
    )


def run(args: argparse.Namespace) -> dict[str, Any]:
    ladder, target = Ladder.load(args.ladder), Path(args.out)
    level = ladder[args.level]
    if target.suffix != _SUFFIX[args.format]:
        raise UserError(f"--out {target} does not end in {_SUFFIX[args.format]}, as {args.format} files do: rename it")
    require("torch", extra="train", purpose="the comparison of an exported level with torch")
    chunk = chunk_samples(ladder, args.chunk_ms)
    samples = call_samples(ladder, level, chunk)
    with tempfile.TemporaryDirectory() as name:
        step = export_files(level, samples, args.format, Path(name))
        files = {path.name: path.read_bytes() for path in Path(name).iterdir()}
    end = target.with_suffix(f".end_segment{target.suffix}") if level.segment is not None else None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:  # all files are complete before the first takes its name; the weights come first
            for source, destination in zip(FILES[args.format], (target, end), strict=True):
                if destination is None:
                    continue
                for suffix in (target.suffix, ".bin"):
                    if (content := files.get(str(Path(source).with_suffix(suffix)))) is not None:
                        stack.enter_context(whole_file(destination.with_suffix(suffix))).write(content)
    except OSError as error:
        raise UserError(f"cannot write {target} ({reason(error)}): choose another file with --out") from error

    module = level.build()
    runner = LevelRunner(level, step, ladder.hop, ladder.sources)
    difference = _difference(module, runner, samples, ladder)
    calls = None if level.segment is None else level.segment * ladder.hop // samples
    report = {
        "file": str(target),
        "max_abs_difference": difference,
        "level": args.level,
        "format": args.format,
        "samples": samples,
        "past": module.past,
        "delay": ladder.delay,
        "sample_rate": ladder.sample_rate,
        "segment": level.segment,
        "end_segment_file": end and str(end),
        "calls_per_segment": calls,
    }
    if args.json != "-":
        _explain(report, ladder.sources, chunk)
    return report


def _difference(module: Any, runner: LevelRunner, samples: int, ladder: Ladder) -> float:
    """Largest difference between the written files and the batch forward of torch, over two seconds of noise."""
    import torch

    calls = -(-2 * ladder.sample_rate // samples)
    mixture = (np.random.default_rng(0).standard_normal(calls * samples) * 0.1).astype(np.float32)
    with torch.inference_mode():
        expected = module(torch.from_numpy(mixture)[None])[0][0].numpy()
    found = np.empty_like(expected)
    runner.step(mixture, found)
    return float(np.abs(found - expected).max())


def _explain(report: dict[str, Any], sources: int, chunk: int) -> None:
    lines = [
        f"wrote {report['file']}, within {report['max_abs_difference']:.1e} of torch",
        _EXPLAINED.format(**report, sources=sources),
    ]
    if report["end_segment_file"]:
        calls, segment, end = (report[key] for key in ("calls_per_segment", "segment", "end_segment_file"))
        lines.append(_SEGMENT.format(calls=calls, segment=segment, end=end))
    if report["samples"] != chunk:
        lines.append(f"A call takes {report['samples']} samples, not {chunk}, so that segments end where calls end.")
    plain_console().print("\n".join(lines), highlight=False, soft_wrap=True)

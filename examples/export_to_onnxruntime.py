"""Export a level as ONNX and run it with ONNX Runtime alone, carrying the state from chunk to chunk.

    python examples/export_to_onnxruntime.py [--level 4] [--out level.onnx]

The export needs the extra `onnx`. The loop needs numpy and onnxruntime only; the same files run in C++, C# or
JavaScript.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import soundfile

import sepprune
from sepprune.cli import main as sepprune_command
from sepprune.resources import asset


def separate(mixture: np.ndarray, facts: dict[str, Any]) -> np.ndarray:
    """Run the exported files over whole calls of a mixture.

    Args:
        mixture: ``(samples,)`` float32 at ``facts["sample_rate"]``.
        facts: what ``sepprune export --json`` wrote.

    Returns:
        The voices, ``(sources, samples)`` float32; they lag the mixture by ``facts["delay"]`` samples.
    """
    step = onnxruntime.InferenceSession(facts["file"], providers=["CPUExecutionProvider"])
    end_file = facts["end_segment_file"]
    end = onnxruntime.InferenceSession(end_file, providers=["CPUExecutionProvider"]) if end_file else None
    shapes = {port.name: port.shape for port in step.get_inputs()}
    state = np.zeros(shapes["state"], np.float32)  # silence before the first chunk
    signal = np.zeros(shapes["signal"], np.float32)  # the past, then the chunk
    past, samples, voices = facts["past"], facts["samples"], []
    for call, start in enumerate(range(0, len(mixture) - samples + 1, samples), start=1):
        signal[:, :past] = signal[:, samples:].copy()  # move the past along
        signal[:, past:] = mixture[start : start + samples]
        sources, new_state = step.run(["sources", "new_state"], {"signal": signal, "state": state})
        state[:, : new_state.shape[1]] = new_state  # a step returns only the part of the state that it changes
        if end is not None and call % facts["calls_per_segment"] == 0:
            [new_state] = end.run(["new_state"], {"state": state})
            state[:, : new_state.shape[1]] = new_state
        voices.append(sources[0])
    return np.concatenate(voices, axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description="Export a level and run it in ONNX Runtime.")
    parser.add_argument("--level", type=int, default=4, help="0 is dense, higher is lighter")
    parser.add_argument("--out", default="level.onnx", help="ONNX file to write")
    args = parser.parse_args()

    facts_file = str(Path(args.out).with_suffix(".json"))
    status = sepprune_command(
        ["export", "--level", str(args.level), "--format", "onnx", "--out", args.out, "--json", facts_file]
    )
    if status:
        raise SystemExit(status)
    facts = json.loads(Path(facts_file).read_text(encoding="utf-8"))

    mixture, _rate = soundfile.read(asset("demo/mixture.flac"), dtype="float32")
    mixture = mixture[: 5 * facts["sample_rate"]]  # five seconds, across the ends of several segments
    voices = separate(mixture, facts)

    # The same sound through the library.
    chunk_ms = 1000 * facts["samples"] / facts["sample_rate"]
    with sepprune.StreamingSeparator(sepprune.Ladder.load(), args.level, chunk_ms, "torch", "fp32") as stream:
        expected = np.concatenate(
            [stream.step(chunk) for chunk in mixture[: voices.shape[1]].reshape(-1, stream.chunk)], axis=1
        )
    print(f"{voices.shape[1]} samples, largest difference from torch {np.abs(voices - expected).max():.1e}")


if __name__ == "__main__":
    main()

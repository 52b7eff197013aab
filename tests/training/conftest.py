"""A small collection of synthetic voices in the layout of a data folder."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 16_000


def voice(pitch: float, seconds: float, seed: int) -> np.ndarray:
    """Harmonics of a varying pitch, in syllables: enough structure to separate two of them."""
    random = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    wander = np.cumsum(random.normal(0, 1, len(time))) / 3000
    phase = 2 * np.pi * np.cumsum(pitch * (1 + 0.1 * np.sin(2 * np.pi * 0.7 * time) + wander)) / RATE
    tone = sum(np.sin(k * phase) / k for k in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * (3 + random.random()) * time + random.random()), 0, 1)
    return (0.1 * tone * syllables).astype(np.float32)


@pytest.fixture(scope="session")
def data_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four voices to train on, two to validate, and some noise."""
    folder = tmp_path_factory.mktemp("data")
    lines = []
    for split, pitches in (("train", (90, 130, 190, 240)), ("valid", (110, 210))):
        for speaker, pitch in enumerate(pitches):
            for take in range(2):
                path = f"speech/{split}/synthetic/{speaker}/{take}.flac"
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                soundfile.write(folder / path, voice(pitch, 2.5, 10 * speaker + take), RATE)
                lines.append((split, "synthetic", str(speaker), path))
    path = "noise/train/hiss.flac"
    (folder / path).parent.mkdir(parents=True)
    soundfile.write(folder / path, 0.05 * np.random.default_rng(0).standard_normal(RATE), RATE)
    lines.append(("train", "hiss", "", path))
    with open(folder / "manifest.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["split", "corpus", "speaker", "path"])
        writer.writerows(lines)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoded recordings are cached in the folder of the test."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

"""Two further test conditions made from the clean test mixtures: a telephone's band, and distant talkers.

    python -m experiments.conditions.conditions DATA OUT

DATA is a data folder with ``test/clean``. OUT receives the folders ``telephone`` and ``far``, each with ``mix/``,
``s1/`` and ``s2/`` of FLAC files, which ``sepprune evaluate --data OUT/telephone`` then scores. The same DATA always
gives the same files.

- ``telephone``: 300 to 3400 Hz, as a headset in telephone mode delivers: sampled at 8 kHz and back, below 300 Hz a
  high-pass of fourth order. Mixture and references pass through the same filters.
- ``far``: simulated shoebox rooms, 4 to 8 m long, with reverberation times of 0.4 to 0.7 s. Both talkers are 2 to 4 m
  from the microphone. The references are the direct sound and the first 50 ms of reflections.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyroomacoustics
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from sepprune.data.mixtures import find
from sepprune.data.sound import resampled
from sepprune.files import write_whole
from sepprune.printing import counted

from ..common import run_script

SAMPLE_RATE = 16_000
#: the direct sound and this much of the reflections are the reference, in samples
EARLY = SAMPLE_RATE // 20
#: root mean square of a far mixture, as of a microphone whose gain was set: -25 dB re full scale
LEVEL = 10 ** (-25 / 20)
#: distance of a far talker from the microphone, in metres
DISTANCE = (2.0, 4.0)

Waveforms = NDArray[np.float64]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="data folder with test/clean")
    parser.add_argument("out", type=Path, help="folder that receives telephone/ and far/")
    args = parser.parse_args()
    files = find(args.data / "test" / "clean")
    conditions: dict[str, Callable[[Waveforms, int], Waveforms]] = {"telephone": telephone, "far": far}
    for name, made in conditions.items():
        for number, entry in enumerate(files):
            write(args.out / name, entry.name, made(entry.read(SAMPLE_RATE).astype(np.float64), number))
        print(f"{counted(len(files), 'mixture')} in {args.out / name}")


def telephone(signals: Waveforms, number: int) -> Waveforms:
    """Mixture and sources ``(1 + sources, samples)`` within the band of a telephone."""
    high_pass = butter(4, 300, "highpass", fs=SAMPLE_RATE, output="sos")
    narrow = [resampled(resampled(signal, SAMPLE_RATE, 8_000), 8_000, SAMPLE_RATE) for signal in signals]
    filtered: Waveforms = sosfilt(high_pass, np.stack(narrow)[:, : signals.shape[1]])
    return filtered


def far(signals: Waveforms, number: int) -> Waveforms:
    """Mixture and sources ``(1 + sources, samples)`` with the sources in a room, far from the microphone.

    Args:
        signals: mixture and sources; the mixture is replaced by the sum of the reverberant sources.
        number: of the mixture; every mixture has a room of its own.
    """
    return in_room(signals, simulate(np.random.default_rng([27, number]), len(signals) - 1))


def in_room(signals: Waveforms, responses: list[Waveforms]) -> Waveforms:
    """Mixture and sources ``(1 + sources, samples)`` as a microphone in a room hears them, at :data:`LEVEL`.

    Args:
        signals: mixture and sources; the mixture is replaced by the sum of the reverberant sources.
        responses: of the room, one a source.
    """
    samples = signals.shape[1]
    whole = [fftconvolve(source, response)[:samples] for source, response in zip(signals[1:], responses, strict=True)]
    early = [
        fftconvolve(source, response[: np.abs(response).argmax() + EARLY])[:samples]
        for source, response in zip(signals[1:], responses, strict=True)
    ]
    mixture = np.sum(whole, axis=0)
    scaled: Waveforms = np.stack([mixture, *early]) * LEVEL / np.sqrt(np.mean(np.square(mixture)))
    return scaled


def simulate(
    random: np.random.Generator,
    talkers: int,
    seconds: tuple[float, float] = (0.4, 0.7),
    distance: tuple[float, float] = DISTANCE,
) -> list[Waveforms]:
    """Responses of one shoebox room by the image source method (Allen and Berkley, 1979), one per talker.

    Args:
        random: source of random numbers.
        talkers: how many.
        seconds: shortest and longest reverberation time.
        distance: shortest and longest one of a talker from the microphone, in metres.
    """
    size = random.uniform([4.0, 3.5, 2.4], [8.0, 6.0, 3.5])
    absorption, order = pyroomacoustics.inverse_sabine(random.uniform(*seconds), size)
    material = pyroomacoustics.Material(absorption)
    room = pyroomacoustics.ShoeBox(size, fs=SAMPLE_RATE, materials=material, max_order=min(order, 40))
    microphone = random.uniform([0.5, 0.5, 0.7], size - [0.5, 0.5, 1.0])
    room.add_microphone(microphone)
    while len(room.sources) < talkers:
        place = random.uniform([0.3, 0.3, 1.1], [*(size[:2] - 0.3), 1.8])
        if distance[0] <= np.linalg.norm(place - microphone) <= distance[1]:
            room.add_source(place)
    room.compute_rir()
    return [np.asarray(response, dtype=np.float64) for response in room.rir[0]]


def write(folder: Path, mixture: str, signals: Waveforms) -> None:
    """Write mixture and sources as FLAC files; all get the same gain where one exceeds full scale.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    signals = signals / max(1.0, np.abs(signals).max() * 1.0001)
    for name, signal in zip(("mix", "s1", "s2"), signals, strict=True):
        (folder / name).mkdir(parents=True, exist_ok=True)
        content = io.BytesIO()
        soundfile.write(content, signal, SAMPLE_RATE, format="FLAC", subtype="PCM_24")
        write_whole(folder / name / f"{mixture}.flac", content.getvalue(), durable=False)


if __name__ == "__main__":
    run_script(main)

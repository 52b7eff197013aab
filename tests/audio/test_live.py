"""The whole path through real PortAudio: a mixture in a virtual microphone, one voice in a virtual loudspeaker."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.engine.device_settings import RATE_VARIABLE
from sepprune.resources import asset

from .virtual_audio import VirtualAudio

ROOT = Path(__file__).resolve().parents[2]
RATE = 16_000

#: samples of the pieces that are compared: on a busy machine PulseAudio sometimes loses milliseconds, which shifts the
#: rest
PIECE = RATE // 4

#: samples by which a recorded mixture is later than the input, as the recorded voices are: the separator's delay
DELAY = 128


class Live:
    """``sepprune-live --headless``, whose messages can be waited for."""

    def __init__(self, audio: VirtualAudio, *arguments: str, **variables: str) -> None:
        environment = audio.environment | {"PYTHONPATH": str(ROOT)} | variables
        self.report = audio.folder / "report.json"
        self.records = audio.folder / "records"
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "app",
                "--headless",
                "--report",
                str(self.report),
                "--record",
                str(self.records),
                *arguments,
            ],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.said: list[str] = []

    def wait_for(self, words: str) -> None:
        """Return once a message contains ``words``."""
        for line in self._process.stderr:
            self.said.append(line)
            if words in line:
                return
        raise AssertionError(f"it ended without the message {words!r}: {''.join(self.said)}")

    def finish(self) -> dict:
        """End the program as with Ctrl-C; returns its report."""
        self._process.send_signal(signal.SIGINT)
        self.said += self._process.communicate(timeout=30)[1].splitlines(keepends=True)
        assert self._process.returncode == 0, "".join(self.said)
        return json.loads(self.report.read_text())

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()

    def recorded(self, name: str) -> np.ndarray:
        [folder] = self.records.iterdir()
        return soundfile.read(folder / f"{name}.wav", dtype="float32")[0]


@pytest.fixture
def audio(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[VirtualAudio]:
    server = VirtualAudio(tmp_path, getattr(request, "param", 48_000))
    yield server
    server.close()


@pytest.fixture
def live(audio: VirtualAudio) -> Iterator[type[Live]]:
    started = []

    def start(*arguments: str, **variables: str) -> Live:
        started.append(Live(audio, *arguments, **variables))
        return started[-1]

    yield start
    for one in started:
        one.kill()


def mixture() -> np.ndarray:
    """Two people talk at once, mono at 16 kHz, 6 s."""
    samples, rate = soundfile.read(asset("demo/mixture.flac"), dtype="float32", always_2d=True)
    assert rate == RATE
    return samples[: 6 * RATE].mean(axis=1)


def scores(heard: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """SI-SDR in dB of every piece of the reference that is loud enough, each at the position that fits best."""
    found = []
    for start in range(0, len(reference) - PIECE, PIECE):
        piece = reference[start : start + PIECE].astype(np.float64)
        if np.sqrt(np.mean(piece**2)) > 0.01:
            found.append(si_sdr(_best_match(heard, piece), piece))
    return np.array(found)


def si_sdr(estimate: np.ndarray, reference: np.ndarray) -> float:
    target = reference * (estimate @ reference) / (reference @ reference)
    return float(10 * np.log10((target @ target + 1e-12) / ((estimate - target) @ (estimate - target) + 1e-12)))


def _best_match(heard: np.ndarray, piece: np.ndarray) -> np.ndarray:
    size = 1 << (len(heard) + len(piece)).bit_length()
    correlation = np.fft.irfft(np.fft.rfft(heard, size) * np.fft.rfft(piece, size).conj(), size)
    lags = len(heard) - len(piece) + 1
    energy = np.convolve(np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)]), [1.0])
    power = np.sqrt(energy[len(piece) :] - energy[: -len(piece)] + 1e-6)
    best = int(np.argmax(correlation[:lags] / power[:lags]))
    return heard[best : best + len(piece)].astype(np.float64)


def offline(samples: np.ndarray, ladder: Path) -> np.ndarray:
    """Voices ``(2, samples)`` that the same level gives for a file."""
    from sepprune.streaming import Ladder, StreamingSeparator

    with StreamingSeparator(Ladder.load(ladder)) as separator:
        whole = samples[: len(samples) // separator.chunk * separator.chunk]
        return np.concatenate([separator.step(chunk) for chunk in whole.reshape(-1, separator.chunk)], axis=1)


@pytest.mark.parametrize(
    ("audio", "forced"),
    [(16_000, ""), (48_000, ""), (48_000, "48000")],
    indirect=["audio"],
    ids=["16 kHz devices", "48 kHz devices", "48 kHz devices that do no other rate"],
)
def test_the_loudspeaker_plays_the_separated_voice_of_the_microphone(
    audio: VirtualAudio, live, ladder: Path, forced: str
) -> None:
    variables = {RATE_VARIABLE: forced} if forced else {}
    for _ in range(3):  # a busy machine stalls devices, which are then opened again: one calm run is enough
        shutil.rmtree(audio.folder / "records", ignore_errors=True)
        app = live(
            "--input", "ci_mic", "--output", "ci_speaker", "--routing", "voice1", "--ladder", str(ladder), **variables
        )
        app.wait_for("recording into")
        listener = audio.listen(RATE)
        audio.play(mixture(), RATE).wait(60)
        time.sleep(1.0)  # the rest of the sound arrives
        heard = listener.stop()[0]
        report = app.finish()
        if report["stalls"] == 0:
            break
    if forced:
        assert (report["input_rate"], report["output_rate"]) == (48_000, 48_000)
    assert report["latency"]["driver_in_ms"] > 0 and report["levels"][0]["chunks"] > 500
    stated = {part["name"]: part["about"] for part in report["latency"]["parts"]}
    assert all("for each block" in stated[name] for name in ("device in", "device out"))
    lost = {key: report[key] for key in ("output_underflows", "ring_underruns", "input_overflows", "stalls")}
    assert np.median(scores(heard, app.recorded("voice1"))) > 15.0, lost  # the loudspeaker plays what was separated
    assert np.median(scores(app.recorded("mixture"), mixture())) > 15.0  # the engine got what was played
    # on the frames that the engine had: where frames begin is chance, and other frames give another voice
    expected = offline(app.recorded("mixture")[DELAY:], ladder)[0]
    # backends differ in rounding, and the engine chooses among them by their speed
    np.testing.assert_allclose(app.recorded("voice1")[: len(expected)], expected, rtol=0, atol=1e-4)
    assert np.median(scores(heard, expected)) > 15.0
    assert np.median(scores(heard, mixture())) < np.median(scores(heard, expected)) - 3.0  # and it is not the mixture


@pytest.mark.parametrize("audio", [16_000], indirect=True, ids=["16 kHz devices"])
def test_what_is_recorded_is_what_is_played_sample_for_sample(
    audio: VirtualAudio, live, ladder: Path, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "mixture.wav", mixture(), RATE, subtype="FLOAT")
    app = live(
        "--input",
        str(tmp_path / "mixture.wav"),
        "--output",
        "ci_speaker",
        "--routing",
        "voice1",
        "--ladder",
        str(ladder),
        "--seconds",
        "100",
    )
    app.wait_for("recording into")
    time.sleep(1.0)
    stretches = []
    for _ in range(3):  # a busy machine starves the device, whose clock is then followed: one calm stretch is enough
        listener = audio.listen(RATE)
        time.sleep(6.0)
        stretches.append(listener.stop()[0])
    report = app.finish()
    recorded = app.recorded("voice1")[RATE:]
    medians = []
    for heard in stretches:
        pieces = [piece for piece in heard[RATE : 5 * RATE].reshape(-1, PIECE) if np.abs(piece).max() > 0.01]
        found = [np.abs(_best_match(recorded, piece.astype(np.float64)) - piece).max() for piece in pieces]
        # at most pieces, not samples, differ: where the device starved, or where its clock was followed
        medians.append(np.median(found) if len(found) > 8 else np.inf)
    assert min(medians) == 0.0, report


def test_a_loudspeaker_that_disappears_is_announced_and_comes_back(
    audio: VirtualAudio, live, ladder: Path, tmp_path: Path
) -> None:
    audio.unload("mic")  # else PulseAudio moves the sound there
    soundfile.write(tmp_path / "mixture.wav", mixture(), RATE, subtype="FLOAT")
    app = live(
        "--input",
        str(tmp_path / "mixture.wav"),
        "--output",
        "ci_speaker",
        "--routing",
        "voice1",
        "--ladder",
        str(ladder),
        "--seconds",
        "100",
    )
    app.wait_for("recording into")
    time.sleep(1.0)
    audio.unload("speaker")
    app.wait_for('the output device "ci_speaker" has stopped')
    audio.load("speaker")
    app.wait_for('the output device "ci_speaker" is open again')
    listener = audio.listen(RATE)
    deadline = time.monotonic() + 60.0
    while listener.heard_peak() < 0.01 and time.monotonic() < deadline:  # a busy machine can stall it once more
        time.sleep(0.5)
    time.sleep(2.0)
    heard = listener.stop()[0]
    report = app.finish()
    assert report["stalls"] >= 1 and np.sqrt(np.mean(heard[-RATE:] ** 2)) > 0.001
    # a recording from the very first chunk on begins with the separator's delay
    recorded, said = app.recorded("mixture")[DELAY:], mixture()
    repeated = np.resize(said, len(recorded) + len(said))
    start = _offset(recorded, said)
    np.testing.assert_array_equal(recorded, repeated[start : start + len(recorded)])  # not one sample was lost


def test_a_microphone_that_disappears_is_announced_and_the_recording_is_whole(
    audio: VirtualAudio, live, ladder: Path
) -> None:
    app = live("--input", "ci_mic", "--output", "none", "--ladder", str(ladder))
    app.wait_for("recording into")
    playing = audio.play(mixture(), RATE)
    time.sleep(3.0)
    playing.send_signal(signal.SIGSTOP)
    audio.close()
    app.wait_for('the input device "ci_mic" has stopped')
    report = app.finish()
    assert report["stalls"] >= 1
    lengths = {len(app.recorded(name)) for name in ("mixture", "voice1", "voice2")}
    assert len(lengths) == 1 and lengths.pop() > RATE


def test_a_muted_microphone_is_explained(audio: VirtualAudio, live, ladder: Path) -> None:
    app = live("--input", "ci_mic", "--output", "none", "--ladder", str(ladder))
    app.wait_for("gives nothing but silence")
    app.finish()


def test_devices_are_listed_by_name_and_host_api(audio: VirtualAudio) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "app", "--list-devices", "--json", "-"],
        check=True,
        timeout=60,
        env=audio.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    ).stdout
    listed = {(device["identity"], device["direction"]) for device in json.loads(said)["devices"]}
    assert {("ci_mic, ALSA", "input"), ("ci_speaker, ALSA", "output")} <= listed


def _offset(recorded: np.ndarray, said: np.ndarray) -> int:
    """Position in ``said`` at which the recording begins."""
    first = int(np.flatnonzero(recorded)[0])
    head = recorded[first : first + 400]
    doubled = np.concatenate([said, said[:400]])
    starts = np.flatnonzero(doubled[: len(said)] == head[0])
    [start] = [start for start in starts if np.array_equal(doubled[start : start + 400], head)]
    return (start - first) % len(said)

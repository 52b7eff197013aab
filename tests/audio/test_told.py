"""What the app without a window says about devices of PulseAudio: an inverted channel, and sound that was moved."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np

from tests.audio.test_live import RATE, audio, live, mixture

from .virtual_audio import VirtualAudio

__all__ = ["audio", "live"]


def test_a_microphone_with_an_inverted_channel_is_heard_and_that_is_told(
    audio: VirtualAudio, live, ladder: Path
) -> None:
    session = live("--input", "ci_mic", "--output", "none", "--ladder", str(ladder))
    session.wait_for("recording into")
    samples = mixture()
    audio.play(np.stack([samples, -samples], axis=1), RATE)
    session.wait_for("cancel each other, one is inverted")
    time.sleep(2.0)
    report = session.finish()
    assert any("one is inverted" in notice for notice in report["notices"])
    last = session.recorded("mixture")[-RATE:]
    assert np.sqrt(np.mean(last**2)) > 0.01


def test_without_a_window_too_a_stream_that_the_sound_server_moves_is_told(
    audio: VirtualAudio, live, ladder: Path
) -> None:
    audio.load("other")
    session = live("--input", "ci_mic", "--output", "ci_speaker", "--ladder", str(ladder))
    session.wait_for("recording into")
    time.sleep(2.0)  # it has asked where its streams are
    [stream] = [
        block.split("#")[1].split("\n")[0]
        for block in audio._pactl("list").split("\n\n")
        if block.startswith("Sink Input") and "python" in block
    ]
    audio._pactl("move-sink-input", stream, "other")
    session.wait_for("the sound server has moved the output from")
    report = session.finish()
    assert any("has moved the output" in notice and "other" in notice for notice in report["notices"])

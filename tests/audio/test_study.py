"""Samples of a listening test through real PortAudio, heard in a virtual loudspeaker."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from .virtual_audio import VirtualAudio

ROOT = Path(__file__).resolve().parents[2]
RATE = 48_000

#: plays two tones of one amplitude in turn, 0.4 s each, and prints what the player counted
_PLAYER = """
import json, sys, time
import numpy as np
from app.engine.player import Player
from app.engine.speaker import DeviceSpeaker
rate = 16_000
seconds = np.arange(rate) / rate
tones = {name: (0.5 * np.sin(2 * np.pi * hertz * seconds)).astype(np.float32)
         for name, hertz in (("A", 400), ("B", 800))}
player = Player(rate, lambda render: DeviceSpeaker("ci_speaker", rate, render))
player.load(tones)
def wait(seconds):
    before, passed = player.position, 0.0
    while passed < seconds:
        time.sleep(0.01)
        passed, before = passed + (player.position - before) % 1.0, player.position
    player.watch()
for number in range(10):
    player.play("AB"[number % 2])
    wait(0.4)
player.stop()
time.sleep(0.5)  # what waits for the device is heard before it closes
print(json.dumps({"late": player.late, "plays": player.plays, "device": player.device}), flush=True)
player.close()
"""


#: plays until the device is gone, waits for a line on its input, opens the device again and plays on
_UNPLUGGED = """
import sys, time
import numpy as np
from app.engine.player import Player
from app.engine.speaker import DeviceSpeaker
player = Player(16_000, lambda render: DeviceSpeaker("ci_speaker", 16_000, render))
player.load({"A": np.full(16_000, 0.5, np.float32)})
player.play("A")
print("playing", flush=True)
while not player.stopped:
    time.sleep(0.02)
print("stopped", flush=True)
sys.stdin.readline()
player.reopen()
player.play("A")
print("playing", flush=True)
sys.stdin.readline()
player.close()
"""


@pytest.fixture
def audio(tmp_path: Path) -> Iterator[VirtualAudio]:
    server = VirtualAudio(tmp_path, RATE)
    yield server
    server.close()


def test_a_player_switches_between_samples_on_a_real_device(audio: VirtualAudio) -> None:
    recording = audio.listen(RATE)
    while not recording.count:
        time.sleep(0.01)
    done = subprocess.run(
        [sys.executable, "-c", _PLAYER],
        env=audio.environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    [heard] = recording.stop()
    said = json.loads(done.stdout)
    assert said["plays"] == {"A": 5, "B": 5}
    pieces = heard[: len(heard) // 960 * 960].reshape(-1, 960)  # 20 ms: whole periods of both tones
    spectrum = np.abs(np.fft.rfft(pieces, axis=1)) / 480
    tones = spectrum[:, [8, 16]]
    order = "".join("AB"[row.argmax()] for row in tones if row.max() > 0.4)
    turns = [one for number, one in enumerate(order) if number == 0 or order[number - 1] != one]
    assert "".join(turns) == "ABABABABAB"
    assert np.abs(heard).max() < 0.51  # no crossfade: never both at once


def test_a_player_notices_that_its_device_is_gone_and_plays_again_when_it_is_back(audio: VirtualAudio) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", _UNPLUGGED],
        env=audio.environment | {"PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    try:
        assert process.stdout.readline() == "playing\n"
        audio.unload("speaker")
        assert process.stdout.readline() == "stopped\n"
        audio.load("speaker")
        recording = audio.listen(RATE)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "playing\n"
        while not recording.count or recording.heard_peak() < 0.4:
            time.sleep(0.02)
    finally:
        process.kill()
        process.communicate()

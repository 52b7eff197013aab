"""Break the running engine in every way that a day can bring, and check that it continues: ``python -m tests.faults``.

Each fault hits an engine in a process of its own, as the app runs it. What must hold is in the function's first line.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile

from app.engine.clock import VirtualClock
from app.engine.commands import StartRecording, StopRecording
from app.engine.controls import Controls
from app.engine.events import Failed, LevelChanged, LevelFailed, Ready, Recording
from app.engine.ports import InputPort
from app.engine.process import EngineProcess
from app.engine.protocol import Settings
from app.engine.sources import MicrophoneSource
from tests.app.conftest import speech_like, write_tiny_ladder
from tests.app.engine.rig import Rig
from tests.app.engine.watched import Watched

#: placed where Python finds it first, so that it runs in the engine's process before anything else
_RAISING = """
from sepprune.streaming import StreamingSeparator
step, calls = StreamingSeparator.step, []
def failing(self, chunk):
    calls.append(1)
    if len(calls) > 100:
        raise RuntimeError("the backend has failed")
    return step(self, chunk)
StreamingSeparator.step = failing
"""


class Place:
    """A folder with a ladder and a sound file, and engines that are ended with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ladder = write_tiny_ladder(folder / "ladder")
        self.sound = folder / "sound.wav"
        soundfile.write(self.sound, speech_like(2.0), 16_000, subtype="FLOAT")

    @contextmanager
    def engine(self) -> Iterator[Watched]:
        """An engine that plays the file again and again."""
        engine = Watched(Settings(str(self.sound), "none", str(self.ladder)))
        engine.start()
        try:
            engine.wait_for(Ready)
            yield engine
        finally:
            engine.stop()


def goes_on(engine: EngineProcess, chunks: int = 100) -> None:
    """Wait until so many more chunks were processed."""
    start = engine.telemetry.counters["chunks"]
    end = time.monotonic() + 120
    while engine.telemetry.counters["chunks"] < start + chunks:
        assert engine.alive, "the engine has ended"
        assert time.monotonic() < end, "no more chunks"
        time.sleep(0.02)


def backend_raises(place: Place) -> str:
    """An exception of the backend ends the engine with a sentence, and a new one runs."""
    hook = place.folder / "hook"
    hook.mkdir()
    (hook / "sitecustomize.py").write_text(_RAISING)
    before = os.environ.get("PYTHONPATH", "")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(hook), before])
    engine = Watched(Settings(str(place.sound), "none", str(place.ladder)))
    try:
        engine.start()
        said: list[str] = []
        end = time.monotonic() + 120
        while not said and time.monotonic() < end:
            said = [event.message for event in engine.events() if isinstance(event, Failed) and event.fatal]
            time.sleep(0.02)
        assert said and "the backend has failed" in said[0], said
    finally:
        os.environ["PYTHONPATH"] = before
    engine.stop()
    engine.start()
    engine.seen.clear()
    engine.wait_for(Ready)
    goes_on(engine)
    engine.stop()
    return said[0]


def level_is_corrupted(place: Place) -> str:
    """A level whose file is damaged while the sound runs is heard from memory or refused, and the sound continues."""
    with place.engine() as engine:
        weights = sorted(place.ladder.glob("level-2*.safetensors"))[0]
        weights.write_bytes(weights.read_bytes()[:-100] + bytes(100))
        engine.send(Controls(level=2))
        answer = engine.wait_for((LevelFailed, LevelChanged))
        goes_on(engine)
    return answer.message if isinstance(answer, LevelFailed) else "heard from memory"


def clock_jumps(place: Place) -> str:
    """A clock that jumps by an hour is one stall, and no chunk is lost or made up."""
    rig = Rig(place.ladder, place.sound)
    rig.engine.run(seconds=0.8)
    rig.clock.advance(3600)
    rig.engine.run()
    rig.separator.close()
    assert rig.count("chunks") == 251 and rig.count("stalls") == 1
    return "1 stall, 251 of 251 chunks"


def process_is_suspended(place: Place) -> str:
    """An engine that is stopped for 3 seconds, as by a suspend, continues with a recording that can be played."""
    with place.engine() as engine:
        engine.send(StartRecording(str(place.folder / "suspended")))
        started = engine.wait_for(Recording)
        goes_on(engine)
        assert engine.pid is not None
        os.kill(engine.pid, signal.SIGSTOP)
        time.sleep(3)
        os.kill(engine.pid, signal.SIGCONT)
        goes_on(engine)
        stalls = engine.telemetry.counters["stalls"]
        engine.send(StopRecording())
        engine.wait_for(Recording)
    assert isinstance(started, Recording) and started.path is not None
    lengths = {len(soundfile.read(file)[0]) for file in Path(started.path).glob("*.wav")}
    assert len(lengths) == 1 and stalls >= 1
    return f"{stalls:.0f} stall, 3 files of {lengths.pop()} samples"


def processor_is_starved(place: Place) -> str:
    """With a fifth of the processor for 5 seconds chunks are late, and afterwards the sound continues."""
    with place.engine() as engine:
        goes_on(engine)
        assert engine.pid is not None
        for _ in range(50):
            os.kill(engine.pid, signal.SIGSTOP)
            time.sleep(0.08)
            os.kill(engine.pid, signal.SIGCONT)
            time.sleep(0.02)
        late = engine.telemetry.counters["deadline_misses"]
        goes_on(engine, 300)
    assert late > 0
    return f"{late:.0f} late chunks while starved"


def commands_flood(place: Place) -> str:
    """Of ten thousand commands the latest counts, and the sound continues."""
    with place.engine() as engine:
        for number in range(10_000):
            engine.send(Controls(level=number % 2, mute=bool(number % 3)))
        engine.send(Controls(level=2))
        while True:
            changed = engine.wait_for(LevelChanged)
            if isinstance(changed, LevelChanged) and changed.level == 2:
                break
        goes_on(engine)
        misses = engine.telemetry.counters["deadline_misses"]
    return f"level 2 is heard, {misses:.0f} late chunks"


def device_changes_rate(place: Place) -> str:
    """A microphone that comes back at 48 kHz instead of 16 kHz sounds the same."""
    rig = Rig(place.ladder, place.sound)
    tones = []
    for rate in (16_000, 48_000):
        clock = VirtualClock()
        port = InputPort(rate, 1, clock.now)
        tone = np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate).astype(np.float32)[:, None]
        port.callback(tone, len(tone), None, type("Flags", (), {"input_overflow": False})())
        rig.engine.connect(MicrophoneSource(port, "microphone", 128, 16_000), rig.ear)
        before = rig.count("chunks")
        while rig.engine.turn():
            pass
        heard = rig.telemetry.audio_since(128 * (before + 10))[1][0]
        tones.append(float(np.abs(np.fft.rfft(heard * np.hanning(len(heard)))).argmax() * 16_000 / len(heard)))
    rig.separator.close()
    assert abs(tones[0] - 440) < 5 and abs(tones[1] - 440) < 5, tones
    return f"{tones[0]:.0f} and {tones[1]:.0f} Hz of 440 Hz"


def shared_memory_is_overwritten(place: Place) -> str:
    """Garbage in the shared memory is no exception on either side, and the sound continues."""
    with place.engine() as engine:
        chance = np.random.default_rng(0)
        for _ in range(20):
            telemetry = engine.telemetry
            telemetry._audio[:] = chance.standard_normal(telemetry._audio.shape)
            telemetry._peaks[:] = np.nan
            telemetry._frames["t_done"] = np.inf
            telemetry.frames_since(0), telemetry.audio_since(0), telemetry.counters, telemetry.peaks
            time.sleep(0.05)
        goes_on(engine)
    return "20 times overwritten"


FAULTS: tuple[Callable[[Place], str], ...] = (
    backend_raises,
    level_is_corrupted,
    clock_jumps,
    process_is_suspended,
    processor_is_starved,
    commands_flood,
    device_changes_rate,
    shared_memory_is_overwritten,
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fault", action="append", default=[], help="only this one; may be given several times")
    parser.add_argument("--report", metavar="FILE", help="write the results as JSON")
    args = parser.parse_args()
    rows = []
    for fault in FAULTS:
        name = fault.__name__.replace("_", " ")
        if args.fault and name not in args.fault:
            continue
        with tempfile.TemporaryDirectory() as folder:
            try:
                rows.append({"fault": name, "holds": True, "result": fault(Place(Path(folder)))})
            except Exception as error:
                traceback.print_exc()
                rows.append({"fault": name, "holds": False, "result": f"{type(error).__name__}: {error}"})
        rows[-1]["must"] = (fault.__doc__ or "").strip()
        print(f"{name}: {'holds' if rows[-1]['holds'] else 'BROKEN'}, {rows[-1]['result']}", flush=True)
    if args.report:
        Path(args.report).write_text(json.dumps({"faults": rows}, indent=2) + "\n")
    return int(not all(row["holds"] for row in rows))


if __name__ == "__main__":
    sys.exit(main())

"""A private PulseAudio with a virtual microphone and loudspeaker: null sinks, no sound card, no kernel module.

PortAudio reaches them through ALSA's ``pulse`` plugin as ``ci_mic`` and ``ci_speaker``.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

_ASOUNDRC = """
pcm.ci_mic { type pulse device "mic.monitor" hint { show on description "CI microphone" } }
pcm.ci_speaker { type pulse device "speaker" hint { show on description "CI loudspeaker" } }
pcm.!default { type pulse }
"""


class VirtualAudio:
    """The server and its two sinks.

    Args:
        folder: empty; holds socket, configuration and recordings.
        rate: of both sinks, in hertz.
        asoundrc: more ALSA configuration.

    Attributes:
        recorder: number of the process that always records the loudspeaker.
    """

    #: Debian packages that are needed, and programs of them
    PACKAGES = "libportaudio2 libasound2-plugins pulseaudio pulseaudio-utils"
    PROGRAMS: tuple[str, ...] = ("pulseaudio", "pactl", "pacat", "parec")

    def __init__(self, folder: Path, rate: int, asoundrc: str = "") -> None:
        missing = [program for program in self.PROGRAMS if shutil.which(program) is None]
        if missing:
            raise RuntimeError(f"{missing[0]} is not installed: the packages {self.PACKAGES} are needed")
        self.folder, self.rate = folder, rate
        (folder / ".asoundrc").write_text(_ASOUNDRC + asoundrc)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("PULSE_")},
            "HOME": str(folder),
            "XDG_RUNTIME_DIR": str(folder),
            "PULSE_SERVER": f"unix:{folder}/pulse.sock",
        }
        self._processes: list[subprocess.Popen[bytes]] = []
        self._server = self._start()
        self._wait_for_server()
        # PulseAudio suspends a null sink that has no client, and its clock with it
        self._keep_awake("pacat", "--device=mic")
        self.recorder = self._keep_awake("parec", "--device=speaker.monitor")

    def play(self, samples: np.ndarray, rate: int) -> subprocess.Popen[bytes]:
        """Play ``(samples,)`` or ``(samples, channels)`` float32 into the microphone; the process ends with it."""
        return self._feed("mic", samples, rate)

    def listen(self, rate: int, channels: int = 1, sink: str = "speaker") -> Listener:
        """Record the loudspeaker, or the microphone's sink, until ``stop()``."""
        path = self.folder / f"heard-{time.monotonic_ns()}.f32"
        process = self._run("parec", f"--device={sink}.monitor", *_format(rate, channels), str(path))
        return Listener(process, path, channels)

    def ahead_ms(self, sink: str) -> float:
        """How long before it would be played a recorder gets the sound of a sink now, in milliseconds."""
        for block in self._pactl("list", "sinks").split("Sink #"):
            if f"Name: {sink}\n" in block and (found := re.search(r"Latency: (\d+) usec", block)):
                return int(found[1]) / 1000
        raise RuntimeError(f"pactl does not list the sink {sink}")

    def unload(self, sink: str) -> None:
        """Remove a device."""
        for line in self._pactl("list", "short", "modules").splitlines():
            if f"sink_name={sink}" in line:
                self._pactl("unload-module", re.split(r"\s", line)[0])

    def load(self, sink: str) -> None:
        """Add a removed device again."""
        self._pactl("load-module", "module-null-sink", *self._sink(sink).split())
        self._keep_awake(*(("pacat", "--device=mic") if sink == "mic" else ("parec", "--device=speaker.monitor")))

    def close(self) -> None:
        """End the server and every client."""
        for process in reversed(self._processes):
            process.kill()
            process.wait()

    def _start(self) -> subprocess.Popen[bytes]:
        """Start the server with its two sinks, or so that they can be loaded once it runs."""
        return self._run(
            "pulseaudio",
            "--daemonize=no",
            "--exit-idle-time=-1",
            "--disable-shm",
            "-n",
            "--use-pid-file=no",
            f"--load=module-native-protocol-unix socket={self.folder}/pulse.sock auth-anonymous=1",
            *(f"--load=module-null-sink {self._sink(sink)}" for sink in ("mic", "speaker")),
        )

    def _sink(self, name: str) -> str:
        return f"sink_name={name} rate={self.rate} format=float32le"  # a sink that does not round

    def _run(self, *command: str, **streams: Any) -> subprocess.Popen[bytes]:
        quiet: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.DEVNULL,
            "stderr": subprocess.DEVNULL,
        } | streams
        process = subprocess.Popen[bytes](command, env=self.environment | {"PULSE_LATENCY_MSEC": "20"}, **quiet)
        self._processes.append(process)
        return process

    def _keep_awake(self, program: str, device: str) -> int:
        with open("/dev/zero" if program == "pacat" else os.devnull, "rb") as source:
            return self._run(program, device, *_format(self.rate, 1), stdin=source).pid

    def _feed(self, sink: str, samples: np.ndarray, rate: int) -> subprocess.Popen[bytes]:
        channels = 1 if samples.ndim == 1 else samples.shape[1]
        process = self._run("pacat", f"--device={sink}", *_format(rate, channels), stdin=subprocess.PIPE)
        assert process.stdin is not None
        pipe = process.stdin

        def write() -> None:
            try:
                pipe.write(np.ascontiguousarray(samples, np.float32).tobytes())
            except BrokenPipeError:
                pass  # the test is over
            finally:
                with contextlib.suppress(BrokenPipeError):
                    pipe.close()

        threading.Thread(target=write, daemon=True).start()
        return process

    def _pactl(self, *arguments: str) -> str:
        return subprocess.run(
            ["pactl", *arguments], env=self.environment, check=True, capture_output=True, text=True, timeout=10
        ).stdout

    def _wait_for_server(self) -> None:
        deadline = time.monotonic() + 10
        while subprocess.run(["pactl", "info"], env=self.environment, capture_output=True).returncode:
            if self._server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("pulseaudio did not start")
            time.sleep(0.05)


class Listener:
    """A running recording of the loudspeaker."""

    def __init__(self, process: subprocess.Popen[bytes], path: Path, channels: int) -> None:
        self._process, self._path, self._channels = process, path, channels

    @property
    def count(self) -> int:
        """Samples recorded so far."""
        return self._path.stat().st_size // (4 * self._channels) if self._path.exists() else 0

    def heard_peak(self) -> float:
        """Largest magnitude recorded so far."""
        content = self._path.read_bytes() if self._path.exists() else b""
        return float(np.abs(np.frombuffer(content[: len(content) // 4 * 4], np.float32)).max(initial=0.0))

    def stop(self) -> np.ndarray:
        """Everything that was recorded, ``(channels, samples)``."""
        self._process.terminate()
        self._process.wait()
        heard = np.fromfile(self._path, np.float32)
        return heard[: len(heard) // self._channels * self._channels].reshape(-1, self._channels).T


def _format(rate: int, channels: int) -> list[str]:
    return ["--raw", "--format=float32le", f"--rate={rate}", f"--channels={channels}"]

"""PipeWire in place of PulseAudio, as new desktops have it: the same devices, through its own server for PulseAudio."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from tests.audio.virtual_audio import VirtualAudio


class VirtualPipeWire(VirtualAudio):
    """A private PipeWire with its session manager and its PulseAudio server, see :class:`VirtualAudio`."""

    PACKAGES = f"{VirtualAudio.PACKAGES} pipewire pipewire-pulse wireplumber dbus"
    PROGRAMS = ("pipewire", "wireplumber", "pipewire-pulse", "dbus-run-session", "pactl", "pacat", "parec")

    def close(self) -> None:
        """End the servers and every client."""
        os.killpg(self._server.pid, signal.SIGTERM)
        super().close()

    def _start(self) -> subprocess.Popen[bytes]:
        Path(self.folder, "pulse").mkdir()
        self.environment["PULSE_SERVER"] = f"unix:{self.folder}/pulse/native"
        servers = "pipewire & wireplumber & pipewire-pulse & wait"
        return self._run("dbus-run-session", "--", "sh", "-c", servers, start_new_session=True)

    def _wait_for_server(self) -> None:
        super()._wait_for_server()
        for sink in ("mic", "speaker"):
            self._pactl("load-module", "module-null-sink", *self._sink(sink).split())

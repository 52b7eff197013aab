"""OpenVINO reports nothing to its makers."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from sepprune.streaming import Ladder

#: refuses every connection and every look-up of a name, and says so on standard output
OFFLINE = """
import socket, sys
def refuse(*arguments, **named):
    print("network:", arguments, flush=True)
    raise OSError("the network is off in this test")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = socket.create_connection = refuse
"""

STREAM = """
import numpy
from sepprune.streaming import Ladder, StreamingSeparator, available
ladder = Ladder.load(sys.argv[1])
for backend, precision in available(["openvino"]):
    with StreamingSeparator(ladder, backend=backend, precision=precision) as stream:
        stream.step(numpy.zeros(stream.chunk, numpy.float32))
import openvino  # that of a program of the user's own, after ours
print(sorted(name for name in sys.modules if name.startswith("openvino_telemetry")))
"""


def run_with_home(script: str, home: Path, *arguments: str) -> str:
    """Standard output of a script whose home folder is ``home``, outside continuous integration."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CI", "PYTHONPATH")}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    ended = subprocess.run(
        [sys.executable, "-c", script, *arguments], env=environment, capture_output=True, text=True, check=True
    )
    return ended.stdout.strip()


def test_a_stream_neither_uses_the_network_nor_writes_into_the_home_folder(tcn_ladder: Ladder, tmp_path: Path) -> None:
    assert run_with_home(OFFLINE + STREAM, tmp_path, str(tcn_ladder.folder)) == "[]"
    assert list(tmp_path.iterdir()) == []


def test_a_program_that_uses_the_telemetry_package_itself_keeps_it(tmp_path: Path) -> None:
    script = (
        "import sys, types\n"
        "sys.modules['openvino_telemetry'] = mine = types.ModuleType('openvino_telemetry')\n"
        "import sepprune.streaming.openvino_library\n"
        "print(sys.modules['openvino_telemetry'] is mine)"
    )
    assert run_with_home(script, tmp_path) == "True"

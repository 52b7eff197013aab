"""Runs a program that may not reach a network, and finds out what it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: Python runs this file at the start of every process, also of those that a command starts
_WATCH = """
import ctypes, faulthandler, os, platform, signal, struct, sys

def note(*words):
    with open(os.environ["WATCHED"], "a") as file:
        file.write(" ".join(map(str, words)) + f" {sys.argv}\\n")

def within(path, folders=(os.path.dirname(os.environ["WATCHED"]), "/dev", "/proc/self")):
    path = os.path.abspath(os.fsdecode(path))
    return any(path == folder or path.startswith(folder + os.sep) for folder in folders)

def watch(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        if event.startswith("socket.get") or not isinstance(arguments[1], (str, bytes)):  # not a socket of the system
            note(event, arguments[1:])
            raise OSError("the network is refused")
    elif event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        if not isinstance(arguments[0], int) and not within(arguments[0]):
            note("writes", arguments[0])
    elif event == "os.mkdir" and not within(arguments[0]):
        note("makes the folder", arguments[0])

# Libraries in C do not pass the hook above. So the kernel of Linux ends a process that makes a socket of the families
# AF_INET and AF_INET6; before that, the place in the Python code is written down.
number = {"x86_64": 41, "aarch64": 198}.get(platform.machine())  # of the system call `socket`
if sys.platform == "linux" and number is not None:
    faulthandler.register(signal.SIGSYS, open(os.environ["WATCHED"], "a"), all_threads=False, chain=True)
    load, equal, give, allow, trap = 0x20, 0x15, 0x06, 0x7FFF0000, 0x00030000
    rules = (
        (load, 0, 0, 0), (equal, 0, 4, number),
        (load, 0, 0, 16), (equal, 1, 0, 2), (equal, 0, 1, 10), (give, 0, 0, trap), (give, 0, 0, allow),
    )
    code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
    program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(code)))
    library = ctypes.CDLL(None, use_errno=True)
    library.prctl(38, 1, 0, 0, 0)  # PR_SET_NO_NEW_PRIVS, which an ordinary user needs for
    library.prctl(22, 2, program, 0, 0)  # PR_SET_SECCOMP; where the kernel has none, the hook alone watches
sys.addaudithook(watch)
"""


def watched(folder: Path, *command: str) -> list[str]:
    """Run a program of Python with the network refused, in ``folder/here``, with the home folder ``folder/home``.

    Returns:
        What it tried to reach, and what it wrote outside of ``folder``.
    """
    for name in ("start", "home", "here", "temporary"):
        (folder / name).mkdir(exist_ok=True)
    (folder / "start" / "sitecustomize.py").write_text(_WATCH)
    ours = ("XDG_", "SEPPRUNE_", "PULSE_", "MPLCONFIGDIR", "HF_", "TORCHINDUCTOR_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    places = {
        "HOME": str(folder / "home"),
        "PYTHONPATH": os.pathsep.join([str(folder / "start"), str(ROOT)]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder / "temporary"),
        "WATCHED": str(folder / "tried"),
    }
    done = subprocess.run(
        [sys.executable, *command], env=kept | places, cwd=folder / "here", capture_output=True, text=True, timeout=300
    )
    tried = (folder / "tried").read_text().splitlines() if (folder / "tried").exists() else []
    assert tried or done.returncode == 0, done.stderr
    return tried


def written(folder: Path) -> set[str]:
    """Folders with files in the home folder, the working folder and that of temporary files.

    Two levels below the home folder are named. The list of fonts that matplotlib makes does not count.
    """
    return {
        "/".join(path.relative_to(folder / place).parts[:2]) if place == "home" else str(path)
        for place in ("home", "here", "temporary")
        for path in (folder / place).rglob("*")
        if path.is_file() and path.parent.name != "matplotlib"
    }

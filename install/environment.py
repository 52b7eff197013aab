"""The virtual environment of a checkout."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from .common import MERGED, Stop, say, tail

#: what declares and locks the dependencies: of the live app, and of the extras
LIVE_LOCKS = ("pyproject.toml", "install/live.txt")
EXTRA_LOCKS = (*LIVE_LOCKS, "install/dev.txt", "constraints.txt")
#: optional dependencies that can be installed
EXTRAS = ("train", "onnx", "metrics", "study", "media", "import", "dev")
#: pip's options for a lock file: every file is checked, and nothing else is installed
HASHED = ("--require-hashes", "--no-deps", "--requirement")


def prepare_environment(root: Path, extras: list[str]) -> Path:
    """Install what this checkout needs and its .venv does not have in the locked versions; returns .venv's Python.

    Args:
        root: folder of the checkout.
        extras: optional dependencies in pyproject.toml, besides what the live app needs.
    """
    for extra in extras:
        if extra not in EXTRAS:
            raise Stop(f"there is no extra {extra!r}: choose from {', '.join(EXTRAS)}")
    folder = root / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / "installed.txt"
    found = stamp.read_text().split() if stamp.is_file() and python.is_file() else []
    if fingerprint(root) not in found:
        make_environment(folder, python)
        found = []
        stamp.write_text("")
        say("Installing what the live app needs")
        # Python compiles modules when it first imports them: the app imports few of them
        install(python, "--no-compile", *HASHED, root / "install" / "live.txt")
        # without an index: what builds the editable install was checked and installed by the line before
        install(python, "--no-index", "--no-deps", "--no-build-isolation", "--editable", root)
        found.append(fingerprint(root))
    for extra in extras:
        if fingerprint(root, extra) in found:
            continue
        say(f"Installing the extra {extra} (torch is large: the first time takes minutes)")
        if extra == "dev":
            install(python, *HASHED, root / "install" / "dev.txt")
        locked = ("--constraint", root / "constraints.txt")
        install(python, *locked, "--no-build-isolation", "--editable", f"{root}[{extra}]")
        found.append(fingerprint(root, extra))
    if stamp.read_text().split() != found:
        stamp.write_text("\n".join(found) + "\n")
        say("Ready.")
    return python


def make_environment(folder: Path, python: Path) -> None:
    """Make the virtual environment, unless it is there and works."""
    if works(python):
        return
    say("Making the virtual environment .venv")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True)
    if made.returncode:
        raise Stop(f"the virtual environment could not be made:\n{tail(made.stdout + made.stderr)}")


def install(python: Path, *arguments: object) -> None:
    """Run pip install, and show what it downloads."""
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    command += ["--progress-bar", "raw" if prints_progress(python) else "off", *map(str, arguments)]
    progress, lines = Progress(), []
    with subprocess.Popen(command, **MERGED) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if not progress.read(line.split()):
                lines.append(line)
    progress.end()
    if pip.returncode:
        raise Stop(
            f"pip could not install the dependencies:\n{tail(''.join(lines))}\n"
            "correct what it names (network, disk space, pip's configuration) and start this command again"
        )


def prints_progress(python: Path) -> bool:
    """Whether this pip can print its progress for programs: 24.1 or newer."""
    question = "import pip, sys; sys.exit([*map(int, pip.__version__.split('.')[:2])] < [24, 1])"
    return subprocess.run([str(python), "-c", question], capture_output=True).returncode == 0


class Progress:
    """Shows pip's downloads: name and size of every file, and at a terminal how much of it has arrived."""

    #: bytes of a file that is worth counting while it arrives
    _LARGE = 1e6

    def __init__(self) -> None:
        self.file, self.counting = "", False

    def read(self, words: list[str]) -> bool:
        """Show a line of pip's output if it is about downloads; true if it only counts the bytes of one."""
        if words[:1] == ["Progress"] and len(words) == 4 and words[1].isdigit() and words[3].isdigit():
            if sys.stdout.isatty() and int(words[3]) > self._LARGE:
                print(f"\r  {self.file} {int(words[1]) / 1e6:.0f} of {int(words[3]) / 1e6:.0f} MB ", end="", flush=True)
                self.counting = True
            return True
        if words[:1] == ["Downloading"] or words[:2] == ["Using", "cached"]:
            self.end()
            name, size = words[-3 if words[-1].endswith("B)") else -1].rpartition("/")[2], " ".join(words[-2:])
            if words[-1].endswith("B)") and not name.endswith(".metadata"):
                self.file = name
                say("  {} {}{}".format(name, size, "" if words[0] == "Downloading" else " from the cache"))
        elif words[:2] == ["Installing", "collected"] and self.file:
            self.end()
            say("  unpacking")
        return False

    def end(self) -> None:
        """Close the line of a file that was being counted."""
        if self.counting:
            print()
        self.counting = False


def fingerprint(root: Path, extra: str = "live") -> str:
    """Changes with the dependencies that are declared and locked, the interpreter and the place of the checkout."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {root}".encode())
    for name in LIVE_LOCKS if extra == "live" else EXTRA_LOCKS:
        digest.update((root / name).read_bytes())
    return f"{extra}-{digest.hexdigest()}"


def works(python: Path) -> bool:
    """Whether this is an interpreter of the running version, with pip."""
    question = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return python.is_file() and subprocess.run([str(python), "-c", question], capture_output=True).returncode == 0

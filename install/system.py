"""System packages: libraries and programs that Python packages cannot bring. Linux only."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from .common import MERGED, Stop, say, tail

#: shared library -> Debian package
AUDIO = {"libportaudio.so.2": "libportaudio2"}
#: what Qt and its X11 and Wayland platforms link to
WINDOW = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libX11.so.6": "libx11-6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libdbus-1.so.3": "libdbus-1-3",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libzstd.so.1": "libzstd1",
    "libz.so.1": "zlib1g",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
}
#: program -> Debian package: the virtual microphone and loudspeaker of the tests
SOUND_SERVER = {"pulseaudio": "pulseaudio", "pactl": "pulseaudio-utils", "pacat": "pulseaudio-utils"}


def missing_packages(window: bool, sound_server: bool) -> list[str]:
    """Debian packages that this machine lacks, found by loading each library and looking for each program."""
    if sys.platform != "linux":
        return []
    libraries = {**AUDIO, **WINDOW} if window else AUDIO
    missing = [package for library, package in libraries.items() if not loads(library)]
    if window and shutil.which("apt-get") and not any(Path("/usr/share/fonts").glob("**/*.[ot]tf")):
        missing.append("fonts-dejavu-core")  # a bare Debian has no font at all: the window would show no text
    if sound_server:
        missing += [package for program, package in SOUND_SERVER.items() if not shutil.which(program)]
        plugin = "alsa-lib/libasound_module_pcm_pulse.so"
        if not any([*Path("/usr").glob("lib*/" + plugin), *Path("/usr").glob("lib*/*/" + plugin)]):
            missing.append("libasound2-plugins")
    if importlib.util.find_spec("ensurepip") is None:
        missing.append("python{}.{}-venv".format(*sys.version_info))
    return list(dict.fromkeys(missing))


def loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
        return True
    except OSError:
        return False


def install_missing(packages: list[str], agreed: bool) -> None:
    """Install Debian packages as root, once the user has agreed; else stop and say how this system installs them.

    Args:
        packages: their names.
        agreed: the user has agreed already.
    """
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise Stop(advice(packages))
    by_hand = "apt-get install " + " ".join(packages)
    if os.geteuid() != 0:
        raise Stop(f"system packages are missing; install them with\n  sudo {by_hand}\nand start this command again")
    if not agreed and not agrees(f"These system packages are missing: {' '.join(packages)}. Install them?"):
        raise Stop(
            f"system packages are missing; install them with\n  {by_hand}\n"
            "or add --yes to this command, which installs them"
        )
    say("Installing system packages: " + " ".join(packages))
    install = [
        "apt-get",
        "install",
        "--yes",
        "--quiet",
        "--no-install-recommends",
        "-o",
        "DPkg::Lock::Timeout=300",
        *packages,
    ]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for step in (["apt-get", "update", "--quiet"], install):
        result = subprocess.run(step, env=environment, **MERGED)
    if result.returncode:
        raise Stop(f"apt-get could not install {' '.join(packages)}:\n{tail(result.stdout)}")


def agrees(question: str) -> bool:
    """Ask at the terminal; without one the answer is no."""
    if not (sys.stdin and sys.stdin.isatty()):
        return False
    try:
        return input(f"{question} [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def advice(packages: list[str]) -> str:
    """How each family of systems installs these libraries."""
    hints = {
        "dnf": "sudo dnf install portaudio libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms "
        "xcb-util-renderutil xcb-util-wm mesa-libEGL mesa-libGL pulseaudio-utils alsa-plugins-pulseaudio",
        "pacman": "sudo pacman -S portaudio libxkbcommon-x11 xcb-util-cursor xcb-util-image xcb-util-keysyms "
        "xcb-util-renderutil xcb-util-wm libglvnd libpulse alsa-plugins",
        "zypper": "sudo zypper install libportaudio2 libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 "
        "libxcb-image0 libxcb-keysyms1 libxcb-render-util0 Mesa-libEGL1 Mesa-libGL1 pulseaudio-utils "
        "alsa-plugins-pulse",
    }
    hint = next((f"; this brings most of them:\n  {line}" for tool, line in hints.items() if shutil.which(tool)), "")
    return f"system libraries are missing, by their Debian names: {' '.join(packages)}{hint}"

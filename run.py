#!/usr/bin/env python3
"""Run SepPrune Live from a fresh checkout.

    python3 run.py live [options of sepprune-live]    open the window; without a display, a headless session
    python3 run.py test [options of pytest]           run the tests
    python3 run.py setup                              only prepare

Each command first prepares what is missing: the virtual environment .venv with the locked dependencies, and the
system libraries that Python packages cannot bring (audio and window system; Linux only). On Debian and Ubuntu root
gets them installed, anybody else is shown the command that installs them. This file needs nothing but Python.
"""

# Syntax and imports stay within Python 3.6, so that an old interpreter can still say which one is needed.
import ctypes
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, BELOW = (3, 11), (3, 15)

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
#: how a program's words are read: both streams as one text
MERGED = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "universal_newlines": True, "errors": "replace"}


class Stop(Exception):
    """What the user must know or do before it can go on."""


def main(arguments: list) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(__doc__.strip())
        return 0 if arguments else 2
    command, *rest = arguments
    try:
        if command not in ("live", "test", "setup"):
            raise Stop(f"there is no command {command!r}: choose live, test or setup, or see --help")
        check_version(sys.version_info[:2])
        headless = command == "live" and ("--headless" in rest or not has_display())
        install_missing(missing_packages(window=not headless, sound_server=command == "test"))
        python = prepare_environment()
    except Stop as reason:
        print(f"run.py: {reason}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
    if command == "live":
        if headless and "--headless" not in rest:
            say("No display: a headless session on the demo mixture.")
            rest = ["--headless", "--seconds", "10", *rest]
        return hand_over([python, "-m", "app", *rest], os.environ)
    if command == "test":
        calm = {"OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
        os.chdir(str(ROOT))
        return hand_over([python, "-m", "pytest", *rest], {**calm, **os.environ})
    return 0


def say(line: str) -> None:
    print(line, flush=True)


def check_version(version: tuple) -> None:
    if not OLDEST <= version < BELOW:
        raise Stop(
            f"this is Python {version[0]}.{version[1]}, SepPrune Live needs {OLDEST[0]}.{OLDEST[1]} to "
            f"{BELOW[0]}.{BELOW[1] - 1}: start run.py with one of those, such as python3.12 run.py"
        )


def has_display() -> bool:
    """Whether a window can open; only Linux has machines without a display worth a thought."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))


def hand_over(command: list, environment) -> int:
    """Become the command where the system can, so that signals and the exit status are its own."""
    command = [str(word) for word in command]
    if os.name == "nt":
        return subprocess.call(command, env=environment)
    sys.stdout.flush()
    return os.execve(command[0], command, dict(environment))


# ---- system libraries


def missing_packages(window: bool, sound_server: bool) -> list:
    """Debian's names of what this machine lacks, found by loading each library and looking for each program."""
    if sys.platform != "linux":
        return []
    libraries = {**AUDIO, **WINDOW} if window else AUDIO
    missing = [package for library, package in libraries.items() if not loads(library)]
    if window and shutil.which("apt-get") and not any(Path("/usr/share/fonts").glob("**/*.[ot]tf")):
        missing.append("fonts-dejavu-core")  # a bare Debian has no font at all, and a window no letters
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


def install_missing(packages: list) -> None:
    """Install Debian packages as root, else stop and name them as this system's user needs them."""
    if not packages:
        return
    if not shutil.which("apt-get"):
        raise Stop(advice(packages))
    if os.geteuid() != 0:
        raise Stop(
            "some system packages are missing; install them with\n  sudo apt-get install "
            + " ".join(packages)
            + "\nand start this command again"
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


def advice(packages: list) -> str:
    """Where each family of systems keeps these libraries."""
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


# ---- the virtual environment


def prepare_environment() -> Path:
    """Path of .venv's Python, after installing the locked dependencies where they are not those of this checkout."""
    folder = ROOT / ".venv"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp, wanted = folder / "installed.txt", fingerprint()
    if stamp.is_file() and stamp.read_text().strip() == wanted and python.is_file():
        return python
    if not works(python):
        say("Making the virtual environment .venv")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], capture_output=True, text=True)
        if made.returncode:
            raise Stop(f"the virtual environment could not be made:\n{tail(made.stdout + made.stderr)}")
    say("Installing the locked dependencies (torch is large: the first time takes minutes)")
    command = [
        str(python),
        "-m",
        "pip",
        "install",
        "--disable-pip-version-check",
        "--progress-bar",
        "off",
        "--constraint",
        str(ROOT / "constraints.txt"),
        "--editable",
        f"{ROOT}[test]",
    ]
    lines = []
    with subprocess.Popen(command, **MERGED) as pip:
        for line in pip.stdout:
            lines.append(line)
            words = line.split()
            if words[:1] == ["Downloading"] and words[-1] == "MB)":
                say(f"  {words[1].rpartition('/')[2]} {' '.join(words[2:])}")
            elif words[:2] == ["Installing", "collected"]:
                say("  unpacking")
    if pip.returncode:
        raise Stop(
            f"pip could not install the dependencies:\n{tail(''.join(lines))}\n"
            "mend what it names (network, disk space, pip's configuration) and start this command again"
        )
    stamp.write_text(wanted + "\n")
    say("Ready.")
    return python


def fingerprint() -> str:
    """Changes with the declared and locked dependencies, the interpreter and the place of the checkout."""
    digest = hashlib.sha256(f"{sys.version_info[:2]} {ROOT}".encode())
    for name in ("pyproject.toml", "constraints.txt"):
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def works(python: Path) -> bool:
    """Whether this is an interpreter of the running version, with pip."""
    question = f"import sys, pip; sys.exit(sys.version_info[:2] != {sys.version_info[:2]})"
    return python.is_file() and subprocess.run([str(python), "-c", question], capture_output=True).returncode == 0


def tail(text: str, lines: int = 12) -> str:
    return "\n".join("  " + line for line in text.strip().splitlines()[-lines:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

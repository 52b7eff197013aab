#!/usr/bin/env python3
"""Run SepPrune Live from a fresh checkout.

    python3 run.py live [options of sepprune-live]    open the window; without a display, a headless session
    python3 run.py test [options of pytest]           run the tests; without options in two processes at once
    python3 run.py check                              check layout, types and links, and build the documentation
    python3 run.py setup [EXTRA ...]                  prepare, with extras: train, onnx, metrics, study, media, import,
                                                      dev

Each command first prepares what is missing: the virtual environment .venv with the locked dependencies, and the
system libraries that Python packages cannot bring (audio and window system; Linux only). `live` downloads about 180 MB;
torch belongs to `test` and to the extras. On Debian and Ubuntu root is asked before system packages are installed;
--yes answers yes, and so does CI=true. Other users see the command that installs them. This file needs only Python.
"""

# Syntax and imports stay within Python 3.6, so that an old interpreter can still say which one is needed. For the same
# reason the modules of install/ are imported after the check of the version.
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
OLDEST, BELOW = (3, 11), (3, 15)
#: programs of `check`, modules of the environment with their arguments
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy",),
    ("sphinx", "-W", "-q", "docs", "build/docs"),
)


def main(arguments: "list[str]") -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print((__doc__ or "").strip())
        return 0 if arguments else 2
    agreed = "--yes" in arguments or os.environ.get("CI") == "true"
    command, *rest = [word for word in arguments if word != "--yes"] or [""]
    extras = {"live": [], "test": ["dev"], "check": ["dev"], "setup": rest}
    if command not in extras:
        return refuse(f"there is no command {command!r}: choose live, test, check or setup, or see --help")
    if not OLDEST <= sys.version_info[:2] < BELOW:
        return refuse(unsupported(sys.version_info[:2]))
    headless = command == "live" and ("--headless" in rest or not has_display())
    try:
        python = prepare(extras[command], headless or command == "check", command == "test", agreed)
    except KeyboardInterrupt:
        return 130
    if python is None:
        return 2
    if command == "live":
        if headless and "--headless" not in rest:
            print("No display: a headless session on the demo mixture.", flush=True)
            rest = ["--headless", "--seconds", "10", *rest]
        return hand_over([python, "-m", "app", *rest], dict(os.environ))
    if command == "test":
        calm = {"OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen"}
        os.chdir(str(ROOT))
        environment = {**calm, **os.environ}
        return hand_over([python, "-m", "pytest", *rest], environment) if rest else all_tests(python, environment)
    if command == "check":
        return check(python)
    return 0


def all_tests(python: Path, environment: "dict[str, str]") -> int:
    """Run every test, in two processes at once."""
    from install.halves import run_in_halves

    return run_in_halves(ROOT, python, environment)


def check(python: Path) -> int:
    """Run every program of CHECKS; 1 where one of them finds something."""
    failed = []
    for words in CHECKS:
        print(" ".join(words), flush=True)
        if subprocess.call([str(python), "-m", *words], cwd=str(ROOT)):
            failed.append(" ".join(words))
    for line in failed:
        print("failed: " + line, flush=True)
    return 1 if failed else 0


def prepare(extras: "list[str]", headless: bool, sound_server: bool, agreed: bool) -> "Path | None":
    """Install what is missing; returns the environment's Python, or None where something is left to the user."""
    from install.common import Stop
    from install.environment import prepare_environment
    from install.system import install_missing, missing_packages

    try:
        install_missing(missing_packages(window=not headless, sound_server=sound_server), agreed)
        return prepare_environment(ROOT, extras)
    except Stop as reason:
        refuse(str(reason))
        return None


def refuse(reason: str) -> int:
    print(f"run.py: {reason}", file=sys.stderr)
    return 2


def unsupported(version: "tuple[int, ...]") -> str:
    """What to do where this Python is too old or too new."""
    return (
        f"this is Python {version[0]}.{version[1]}, SepPrune Live needs {OLDEST[0]}.{OLDEST[1]} to "
        f"{BELOW[0]}.{BELOW[1] - 1}: start run.py with one of those, such as python3.12 run.py"
    )


def has_display() -> bool:
    """Whether a window can open. Other systems than Linux always have a display."""
    return sys.platform != "linux" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")))


def hand_over(command: "list[object]", environment: "dict[str, str]") -> int:
    """Replace this process by the command where the system can, so that signals and the exit status are its own."""
    words = [str(word) for word in command]
    if os.name == "nt":
        return subprocess.call(words, env=environment)
    sys.stdout.flush()
    os.execve(words[0], words, environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

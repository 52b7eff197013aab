"""Makes ``constraints.txt`` and the lock files anew from ``pyproject.toml``. Needs the program ``uv`` and a network.

    python install/lock.py              keeps the locked versions, adds what is new
    python install/lock.py --upgrade    takes the newest versions

``constraints.txt`` names the version of everything that any extra needs. ``install/live.txt`` has the hashes of
what the live app needs, ``install/dev.txt`` those of what the tests need besides torch: its wheels differ by machine
(processor only, or one of several CUDA versions), so that no one hash holds. Pip checks them: ``--require-hashes``.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CONSTRAINTS = ROOT / "constraints.txt"
#: builds the editable install of the checkout
BUILD = "hatchling>=1.27,<2\n"
#: torch and what its wheels for Linux with CUDA bring, by the beginning of the name
TORCH = ("torch==", "nvidia-", "cuda-", "triton==")


def compile_requirements(out: Path, *options: str) -> None:
    """Resolve ``pyproject.toml`` for all platforms and Pythons; versions in ``out`` are kept where they can be."""
    command = ["uv", "pip", "compile", "--universal", "--python-version", "3.11", "--no-annotate", "--no-header"]
    subprocess.run([*command, "--quiet", *options, "--output-file", str(out), "pyproject.toml"], cwd=ROOT, check=True)


def with_header(path: Path, header: str, leave_out: tuple[str, ...] = ()) -> None:
    """Put a comment above a lock file's entries, and leave some of them out."""
    entries: list[str] = []
    for line in path.read_text(encoding="ascii").splitlines(keepends=True):
        if line.startswith("#"):
            continue
        if line.startswith(" "):  # a hash, or the end of an entry
            entries[-1] += line
        else:
            entries.append(line)
    kept = [entry for entry in entries if not entry.startswith(leave_out)] if leave_out else entries
    path.write_text(header + "".join(kept), encoding="ascii")


def main() -> None:
    header = "".join(line for line in CONSTRAINTS.open(encoding="ascii") if line.startswith("#"))
    compile_requirements(CONSTRAINTS, "--all-extras", *sys.argv[1:])
    with_header(CONSTRAINTS, header)
    hashed = ("--generate-hashes", "--constraint", str(CONSTRAINTS))
    with tempfile.NamedTemporaryFile("w", suffix=".in") as build:
        build.write(BUILD)
        build.flush()
        live, dev = ROOT / "install" / "live.txt", ROOT / "install" / "dev.txt"
        compile_requirements(live, *hashed, build.name)
        compile_requirements(dev, *hashed, "--extra", "dev", build.name)
    made = "Made anew by install/lock.py.\n"
    with_header(live, f"# What the live app needs, with hashes, and the build tool of the checkout. {made}")
    with_header(dev, f"# What the tests need, with hashes, torch apart. {made}", TORCH)


if __name__ == "__main__":
    main()

"""What runs on this machine, read from ``/proc``."""

from __future__ import annotations

from pathlib import Path


def runs(process: int) -> bool:
    """Whether a process has not ended."""
    return _status(process)[:1] not in ([], ["Z"])


def program(process: int) -> str:
    """The command line of a process; nothing where it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes().replace(b"\0", b" ").decode().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def started_by(process: int) -> list[int]:
    """The processes that a process has started, and those that they have started."""
    parents = {int(path.name): _status(int(path.name))[1:2] for path in Path("/proc").glob("[0-9]*")}
    found = [child for child, parent in parents.items() if parent == [str(process)]]
    return found + [later for child in found for later in started_by(child)]


def _status(process: int) -> list[str]:
    """State and parent of a process; nothing where it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[:2]
    except (FileNotFoundError, ProcessLookupError):
        return []

"""Busy processes beside a measurement: ``python -m sepprune.bench.busy`` computes until its standard input is closed.

Each reads and writes a few megabytes over and over, as ordinary programs do, and so takes processor time and caches.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

#: bytes that a busy process works on: more than the caches of one core hold
_BYTES = 8 * 2**20

#: what a busy process prints once it computes
_STARTED = b"busy\n"


@contextmanager
def busy_processes(count: int) -> Iterator[None]:
    """Keep so many processes busy; they end with the block, and also if this process is killed.

    Raises:
        OSError: a process cannot be started.
    """
    with ExitStack() as stack:
        started = []
        for _ in range(count):
            process = subprocess.Popen(
                [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=_environment()
            )
            stack.callback(_end, process)
            started.append(process)
        for process in started:
            assert process.stdout is not None
            if process.stdout.readline() != _STARTED:
                raise OSError("a busy process did not start")
        yield


def _environment() -> dict[str, str]:
    """This process's environment, with its search path for modules."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(OSError):
                pipe.close()


def _work() -> None:
    def watch() -> None:
        sys.stdin.buffer.read()  # returns when the process that started this one has ended
        os._exit(0)

    threading.Thread(target=watch, daemon=True).start()
    content = bytearray(os.urandom(_BYTES))
    sys.stdout.buffer.write(_STARTED)
    sys.stdout.buffer.flush()
    while True:
        content = content[1:] + content[:1]
        for index in range(0, len(content), 4096):
            content[index] ^= 0x55


if __name__ == "__main__":
    _work()

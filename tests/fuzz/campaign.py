"""Tries variants of files on readers, each reader in a process of its own, so that a crash ends no campaign."""

from __future__ import annotations

import faulthandler
import hashlib
import io
import math
import mmap
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from sepprune.errors import UserError

from .mutate import mutated
from .readers import Reader, check_sentence, readers

#: contents that once broke a reader, one file each, named READER-HASH; they are tried first
KEPT = Path(__file__).parent / "kept"
#: seconds of processor time that a reader may take, seconds of the clock, and memory of the whole process
LONGEST_S, LONGEST_WAIT_S, MOST_BYTES = 2.0, 60.0, 10**9


@dataclass
class Outcome:
    """What happened with one reader.

    Attributes:
        name: of the reader.
        cases: contents that were tried.
        refused: how many of them ended in a sentence.
        failures: for each failure the number of the case, or the name of a kept file, and what was wrong.
        slowest_s: longest processor time of a case.
        peak_bytes: largest memory of the process, with all libraries.
    """

    name: str
    cases: int = 0
    refused: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_bytes: int = 0


def content_of(reader: Reader, seed: int, case: int) -> bytes:
    """The content of a case, always the same."""
    chance = random.Random(f"{seed}/{reader.name}/{case}")
    return mutated(chance.choice(reader.good), reader.kind, chance)


def tried(reader: Reader, content: bytes) -> tuple[bool, str | None]:
    """Read one content; returns whether it was refused, and what was wrong, ``None`` where nothing was."""
    reader.file.write_bytes(content)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    signal.setitimer(signal.ITIMER_PROF, LONGEST_S)
    signal.setitimer(signal.ITIMER_REAL, LONGEST_WAIT_S)
    try:
        reader.read()
        refused, problem = False, None
    except UserError as error:
        refused, problem = True, None
        try:
            check_sentence(error)
        except AssertionError as unfit:
            problem = str(unfit)
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        refused = False
        problem = f"{type(error).__name__}: {str(error)[:100]} in {Path(place.filename).name}:{place.lineno}"
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
    after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if after > before and 1024 * after > MOST_BYTES:
        problem = f"memory grew from {before // 1024} to {after // 1024} MB"
    return refused, problem


def campaign(cases: int, seed: int, chosen: Sequence[str] = (), kept: Path = KEPT) -> list[Outcome]:
    """Try all kept contents, and ``cases`` variants, shared out among the readers by weight.

    Args:
        cases: number of variants.
        seed: of the variants.
        chosen: names of readers; all where there are none.
        kept: folder of contents that are tried first.
    """
    with tempfile.TemporaryDirectory() as name:
        os.environ["SEPPRUNE_CACHE"] = f"{name}/converted"
        found = [one for one in readers(Path(name)) if not chosen or one.name in chosen]
        total = sum(one.weight for one in found)
        return [_in_a_process(one, math.ceil(cases * one.weight / total), seed, kept) for one in found]


def _in_a_process(reader: Reader, cases: int, seed: int, kept: Path) -> Outcome:
    """Try a reader in child processes; one that crashes is continued behind the case that ended it."""
    outcome, start = Outcome(reader.name), -1
    while start < cases:
        progress, (receiving, sending) = mmap.mmap(-1, 8), os.pipe()
        progress[:8] = start.to_bytes(8, "little", signed=True)
        child = os.fork()
        if child == 0:
            os.close(receiving)
            _child(partial(_cases, reader, start, cases, seed, kept, progress), sending)
        os.close(sending)
        with os.fdopen(receiving, "rb") as pipe:
            answer = pipe.read()
        status = os.waitpid(child, 0)[1]
        at = int.from_bytes(progress[:8], "little", signed=True)
        whole = _take(answer, outcome)
        if whole:
            break
        slow = f"takes more than {LONGEST_S:g} s of processor time, or {LONGEST_WAIT_S:g} s of the clock"
        ended = slow if status & 0x7F in (signal.SIGPROF, signal.SIGALRM) else f"ends the process, status {status}"
        outcome.failures.append((str(at), ended))
        outcome.cases += at - start + 1
        start = at + 1
    return outcome


def _take(answer: bytes, outcome: Outcome) -> bool:
    """Add what a child has sent: failures as they occurred, and in the end its outcome; false where that is missing."""
    stream = io.BytesIO(answer)
    while True:
        try:
            sent = pickle.load(stream)
        except (EOFError, pickle.UnpicklingError):
            return False
        if isinstance(sent, Outcome):
            outcome.cases += sent.cases
            outcome.refused += sent.refused
            outcome.slowest_s = max(outcome.slowest_s, sent.slowest_s)
            outcome.peak_bytes = max(outcome.peak_bytes, sent.peak_bytes)
            return True
        outcome.failures.append(sent)


def _child(work: Callable[[Callable[[object], None]], None], sending: int) -> None:
    """Do ``work``, which is given what sends an object, and end without cleaning up what belongs to the parent."""
    faulthandler.disable()
    printed = os.dup(2)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # decoders print about damaged files
    for number in (signal.SIGPROF, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)  # a reader that hangs is ended, also one that hangs inside a library
    try:
        work(lambda sent: _send(sending, sent))
    except BaseException:
        os.write(printed, traceback.format_exc().encode())  # the campaign itself is wrong
        os._exit(1)
    os._exit(0)


def _send(descriptor: int, sent: object) -> None:
    content = memoryview(pickle.dumps(sent))
    while content:
        content = content[os.write(descriptor, content) :]


def _cases(
    reader: Reader,
    start: int,
    cases: int,
    seed: int,
    kept: Path,
    progress: mmap.mmap,
    send: Callable[[object], None],
) -> None:
    """Cases from ``start`` on; -1 stands for the kept contents and the good ones."""
    outcome = Outcome(reader.name)

    def one(label: str, content: bytes) -> None:
        began = time.process_time()
        refused, problem = tried(reader, content)
        outcome.slowest_s = max(outcome.slowest_s, time.process_time() - began)
        outcome.cases += 1
        outcome.refused += refused
        if problem is not None:
            send((label, problem))

    if start < 0:
        for number, content in enumerate(reader.good):
            one(f"good file {number}", content)
            if outcome.refused:
                send((f"good file {number}", "a good file is refused"))
        for file in sorted(kept.glob(f"{reader.name.replace(' ', '_')}-*")):
            one(file.name, file.read_bytes())
    for case in range(max(0, start), cases):
        progress[:8] = case.to_bytes(8, "little", signed=True)
        one(str(case), content_of(reader, seed, case))
    outcome.peak_bytes = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    send(outcome)


def keep(reader: Reader, content: bytes, folder: Path = KEPT) -> Path:
    """Keep a content that broke a reader, so that it is tried from now on."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{reader.name.replace(' ', '_')}-{hashlib.sha256(content).hexdigest()[:12]}"
    path.write_bytes(content)
    return path


if sys.platform == "win32":
    raise ImportError("the campaign needs fork(): run it on Linux or macOS")

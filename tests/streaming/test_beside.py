"""Work beside a stream."""

import os

from sepprune.streaming.beside import start_beside


def test_a_thread_beside_a_stream_has_the_usual_priority() -> None:
    """One of lower priority that holds the GIL would delay the audio thread while other programs compute."""
    found: list[int] = []
    thread = start_beside(lambda: found.append(priority()), "work")
    thread.join()
    assert found == [priority()]


def priority() -> int:
    """Of this thread on Linux; elsewhere only processes have one."""
    return os.getpriority(os.PRIO_PROCESS, 0)

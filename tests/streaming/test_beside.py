"""Work beside a stream."""

import os
import sys
import threading

import pytest

from sepprune.streaming.beside import start_beside


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority of their own on Linux alone")
def test_a_thread_beside_a_stream_has_the_usual_priority() -> None:
    """One of lower priority that holds the GIL would delay the audio thread while other programs compute."""
    found: list[int] = []
    thread = start_beside(lambda: found.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())), "work")
    thread.join()
    assert found == [os.getpriority(os.PRIO_PROCESS, 0)]

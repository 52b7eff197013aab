"""Work beside a stream."""

import os
from pathlib import Path

import pytest

from sepprune.errors import UserError
from sepprune.streaming.beside import run_process, start_beside


def test_a_thread_beside_a_stream_has_the_usual_priority() -> None:
    """One of lower priority that holds the GIL would delay the audio thread while other programs compute."""
    found: list[int] = []
    thread = start_beside(lambda: found.append(priority()), "work")
    thread.join()
    assert found == [priority()]


def test_the_sentence_of_a_program_beside_a_stream_is_passed_on_alone(tmp_path: Path) -> None:
    arguments = tmp_path / "missing", 0, 128, tmp_path / "a", tmp_path / "b"
    with pytest.raises(UserError) as error:
        run_process("sepprune.streaming.onnx_graphs", *arguments)
    assert str(error.value).startswith("there is no ladder folder")


def priority() -> int:
    """Of this thread on Linux; elsewhere only processes have one."""
    return os.getpriority(os.PRIO_PROCESS, 0)

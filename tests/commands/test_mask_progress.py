"""What a user sees of mask learning."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from sepprune.commands.prune_progress import MaskProgress


def told(steps: int, terminal: bool) -> str:
    """What a run of mask learning writes."""
    file = StringIO()
    with MaskProgress(steps, Console(file=file, force_terminal=terminal, width=100)) as progress:
        for step in range(steps):
            progress.show(step, 1.5)
    return file.getvalue()


def test_a_log_gets_a_line_before_the_first_step_and_one_every_tenth_part() -> None:
    first, *lines = told(50, terminal=False).splitlines()
    assert first == "scoring channels"
    assert len(lines) == 10 and lines[-1] == "learning masks: step 50 of 50, loss 1.50"


def test_a_terminal_gets_a_bar_that_names_the_phase() -> None:
    assert "learning masks" in told(50, terminal=True)

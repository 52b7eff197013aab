"""Opens the pages of a blind comparison alone, as ``sepprune-live --blind`` does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import platformdirs

from sepprune.study.live import TRIALS, open_live_study, parse_compared, running

from ...engine.devices import find_device
from ...engine.inputs import check_input
from ...engine.player import Player
from ...engine.process import EngineProcess
from ...engine.protocol import NONE, Settings
from ...engine.speaker import DeviceSpeaker, output_named
from ..main import prepared_application
from .live_player import LivePlayer
from .live_window import LiveWindow
from .main import check_results, show_until_closed

#: of the tones of the headphone check, in hertz
TONE_RATE = 48_000


def run_live(
    settings: Settings,
    compared: str,
    trials: int | None = None,
    folder: Path | None = None,
    headphone_check: bool = False,
) -> int:
    """Show the pages until the window is closed.

    Args:
        settings: of the engine: input, output, ladder and what computes; with the output ``"none"`` it is the system's.
        compared: two levels such as ``0,4``, or a level and ``bypass``.
        trials: that count; ``None`` is the usual number.
        folder: for result files; ``None``: ``SepPrune`` in the user's documents.
        headphone_check: ask first which of three tones is the softest.

    Returns:
        Exit status 0.

    Raises:
        UserError: these cannot be compared, the results cannot be written, or there is no such input or output.
    """
    study = open_live_study(settings.ladder, parse_compared(compared), TRIALS if trials is None else trials)
    results = check_results(folder or Path(platformdirs.user_documents_dir()) / "SepPrune")
    output = output_named(None if settings.output == NONE else settings.output)
    check_input(settings.input)
    find_device(output, "output")
    application = prepared_application()
    wanted = replace(settings, output=output, compared=tuple(running(study).values()))
    player = LivePlayer(EngineProcess(wanted))

    def open_tones() -> Player:
        return Player(TONE_RATE, lambda render: DeviceSpeaker(output, TONE_RATE, render), channels=2)

    window = LiveWindow(study, results, player, open_tones=open_tones if headphone_check else None)
    try:
        show_until_closed(window, application)
    finally:
        player.close()
    return 0

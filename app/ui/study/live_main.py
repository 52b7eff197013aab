"""Opens the pages of a blind comparison alone, as ``sepprune-live --blind`` does."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import platformdirs

from sepprune.streaming import Ladder
from sepprune.study.live import live_study, running

from ...engine.player import Player
from ...engine.process import EngineProcess
from ...engine.protocol import Settings
from ...engine.speaker import DeviceSpeaker
from ..main import prepared_application
from .live_player import LivePlayer
from .live_window import LiveWindow
from .main import check_results

#: of the tones of the headphone check, in hertz
TONE_RATE = 48_000


def run_live(
    settings: Settings,
    compared: tuple[int | None, ...],
    trials: int,
    folder: Path | None = None,
    headphone_check: bool = False,
) -> int:
    """Show the pages until the window is closed.

    Args:
        settings: of the engine: input, output, ladder and what computes.
        compared: two levels, or a level and ``None`` for the unprocessed mixture.
        trials: that count.
        folder: for result files; ``None``: ``SepPrune`` in the user's documents.
        headphone_check: ask first which of three tones is the softest.

    Returns:
        Exit status 0.

    Raises:
        UserError: these cannot be compared, or the results cannot be written.
    """
    study = live_study(Ladder.load(settings.ladder), compared, trials)
    results = check_results(folder or Path(platformdirs.user_documents_dir()) / "SepPrune")
    application = prepared_application()
    wanted = replace(settings, compared=tuple(running(study).values()))
    player = LivePlayer(EngineProcess(wanted))

    def open_tones() -> Player:
        return Player(TONE_RATE, lambda render: DeviceSpeaker(settings.output, TONE_RATE, render), channels=2)

    window = LiveWindow(study, results, player, open_tones=open_tones if headphone_check else None)
    interrupt = signal.signal(signal.SIGINT, lambda *_: window.close())
    try:
        window.showMaximized()
        application.exec()
    finally:
        signal.signal(signal.SIGINT, interrupt)
        player.close()
    return 0

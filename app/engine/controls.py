"""The live controls: everything that the user can change while sound runs, as one value.

The window holds the controls that the user wants and sends them whole after every change; the latest value wins. The
engine holds the controls that it has applied. A decision of the engine, such as the level of the fallback, is no
control: see :mod:`app.engine.fallback`.

To add a toggle: a field here, its effect in :meth:`app.engine.engine.Engine.apply` (or in the mixer), and a button in
one panel of the window. Panels name the field that they change, and show controls through ``show_controls``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from sepprune.errors import UserError

#: sounds that the output can play
ROUTINGS = ("mixture", "voice1", "voice2", "split", "both")

#: signals that can be played alone while a key is held
SIGNALS = ("mixture", "voice1", "voice2")

#: controls that the window remembers between two starts
REMEMBERED = ("level", "routing", "gain_db", "loop", "fallback")

#: shortest passage of a file that is repeated, in seconds
SHORTEST_PASSAGE_S = 0.5


@dataclass(frozen=True)
class Controls:
    """The live controls.

    Args:
        level: level of the ladder, 0 is dense.
        routing: one of :data:`ROUTINGS`; ``split`` is voice 1 left and voice 2 right, ``both`` is their sum.
        gain_db: output gain in dB.
        bypass: play the mixture, delayed as much as the voices.
        mute: silence the output; the separator keeps running.
        solo: play one of :data:`SIGNALS` alone, whatever bypass and routing are; ``None`` ends it.
        fallback: switch to a lighter level while chunks miss their deadline, see :mod:`app.engine.fallback`.
        loop: start a file again at its end.
        paused: silence the output; a file waits, and sound of a microphone is dropped.
        passage: start and end in seconds of the part of a file that is repeated; ``None`` for the whole file.
    """

    level: int = 0
    routing: str = "both"
    gain_db: float = 0.0
    bypass: bool = False
    mute: bool = False
    solo: str | None = None
    fallback: bool = False
    loop: bool = True
    paused: bool = False
    passage: tuple[float, float] | None = None

    @property
    def heard(self) -> str:
        """What the output plays unless it is muted or paused: one of :data:`ROUTINGS`."""
        return self.solo or ("mixture" if self.bypass else self.routing)

    def changed(self, **values: Any) -> Controls:  # Any: each field has a type of its own
        """A copy with other values of the named fields."""
        return replace(self, **values)

    def check(self, levels: int) -> None:
        """Check every value.

        Args:
            levels: number of levels of the ladder.

        Raises:
            UserError: there is no such level, routing or signal.
        """
        if not 0 <= self.level < levels:
            raise UserError(f"there is no level {self.level}: choose from 0 (dense) to {levels - 1} (lightest)")
        if self.routing not in ROUTINGS:
            raise UserError(f"there is no routing {self.routing!r}: choose from {', '.join(ROUTINGS)}")
        if self.solo is not None and self.solo not in SIGNALS:
            raise UserError(f"there is no solo {self.solo!r}: choose from {', '.join(SIGNALS)}")
        if self.passage is not None and not 0 <= self.passage[0] < self.passage[1] < math.inf:
            start, end = self.passage
            raise UserError(
                f"a passage from {start:g} to {end:g} seconds is not possible: its end must follow its start"
            )

"""What is listened to: routing, gain, bypass, mute, and one signal alone while something is held down."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject

from ..engine.commands import SetBypass, SetGain, SetMute, SetRouting, SetSolo
from .engine_link import EngineLink
from .held_keys import HeldKeys
from .shortcuts import HELD

if TYPE_CHECKING:
    from .window import MainWindow


class Listening(QObject):
    """Joins what chooses the sound to the engine, and marks the views that are heard.

    Args:
        window: its panels exist already.
        link: not yet started.
    """

    def __init__(self, window: MainWindow, link: EngineLink) -> None:
        super().__init__(window)
        self._link, self._transport, self._tracks, self._listen = link, window.transport, window.tracks, window.listen
        self._solo: str | None = None
        self.keys = HeldKeys(window, {key: signal for key, signal, _ in HELD})
        self.keys.changed.connect(self.set_solo)
        self._transport.bypass_asked.connect(self.set_bypass)
        self._tracks.routing_asked.connect(self.set_routing)
        self._tracks.solo_asked.connect(self.set_solo)
        self._listen.routing_asked.connect(self.set_routing)
        self._listen.gain_asked.connect(lambda db: link.send(SetGain(db)))
        self._listen.mute_asked.connect(self.set_mute)
        self._listen.show_gain(link.settings.gain_db)
        self._show()

    def set_routing(self, routing: str) -> None:
        """Listen to something else."""
        self._link.send(SetRouting(routing))
        self._show()

    def change_gain(self, db: int) -> None:
        """Louder or quieter by ``db``."""
        self._listen.gain.setValue(self._listen.gain.value() + db)

    def set_bypass(self, on: bool) -> None:
        """Hear the mixture in place of the voices, or the voices again."""
        self._link.send(SetBypass(on))
        self._show()

    def toggle_bypass(self) -> None:
        """The other way round."""
        self.set_bypass(not self._link.bypass)

    def set_mute(self, on: bool) -> None:
        """Hear nothing, or something again."""
        self._link.send(SetMute(on))
        self._show()

    def toggle_mute(self) -> None:
        """The other way round."""
        self.set_mute(not self._link.muted)

    def set_solo(self, signal: str | None) -> None:
        """Hear one signal alone, until ``None`` is asked for."""
        if signal != self._solo:
            self._solo = signal
            self._link.send(SetSolo(signal))
            self._show()

    def _show(self) -> None:
        link = self._link
        self._listen.routing.show_value(link.settings.routing)
        self._listen.show_mute(link.muted)
        self._transport.bypass.setChecked(link.bypass)
        routing = self._solo or ("mixture" if link.bypass else link.settings.routing)
        self._tracks.set_heard("" if link.muted else routing)

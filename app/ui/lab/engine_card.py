"""Chunk duration, threads, backend and precision of the live sound."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace

from PyQt6.QtCore import pyqtSignal
from PyQt6.QtWidgets import QGridLayout, QHBoxLayout, QWidget

from ...engine.events import Ready
from ...engine.protocol import Settings
from ..choice import Choice
from ..facts import sentence
from ..labels import label
from .parts import Card, button

#: longest chunk that is offered, in milliseconds, and most threads
LONGEST_MS, MOST_THREADS = 64.0, 8

BACKENDS = ("auto", "openvino", "onnxruntime", "torch", "cuda")
PRECISIONS = ("auto", "fp32", "int8", "bf16")


class EngineCard(Card):
    """Four choices, which take effect together."""

    #: the wanted :class:`Settings`
    asked = pyqtSignal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("Live sound", parent)
        self.chunk, self.threads = Choice("Chunk duration"), Choice("Threads")
        self.backend, self.precision = Choice("Backend"), Choice("Precision")
        self.apply = button("Use", "Start the audio engine again with these choices")
        self.state, self.problem = label(role="muted", wrap=True), label(wrap=True)
        self.problem.hide()
        self._settings: Settings | None = None
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(7)
        for place, (name, choice) in enumerate(
            (
                ("Chunk", self.chunk),
                ("Threads", self.threads),
                ("Backend", self.backend),
                ("Precision", self.precision),
            )
        ):
            grid.addWidget(label(name, "muted"), place // 2, 2 * (place % 2))
            grid.addWidget(choice, place // 2, 2 * (place % 2) + 1)
            choice.activated.connect(self._choice_made)
        grid.setColumnStretch(1, 1)
        grid.setColumnStretch(3, 1)
        row = QHBoxLayout()
        row.addWidget(self.apply)
        row.addWidget(self.state, stretch=1)
        self.column.addLayout(grid)
        self.column.addLayout(row)
        self.column.addWidget(self.problem)
        self.apply.clicked.connect(self._apply_clicked)

    def show_settings(self, settings: Settings, ready: Ready | None) -> None:
        """Show what the engine is started with, and what it does with that.

        Args:
            settings: of the engine.
            ready: of the engine; ``None`` while it does not run.
        """
        self._settings = settings
        hop_ms = 8.0 if ready is None else 1000 * ready.hop / ready.sample_rate
        chunk_ms = settings.chunk_ms if ready is None else 1000 * ready.chunk / ready.sample_rate
        durations = [hop_ms * 2**k for k in range(8) if hop_ms * 2**k <= LONGEST_MS]
        threads = [2**k for k in range(8) if 2**k <= min(MOST_THREADS, os.cpu_count() or 1)]
        _fill(self.chunk, [(ms, f"{ms:g} ms") for ms in durations], chunk_ms, f"{chunk_ms:g} ms")
        _fill(self.threads, [(count, str(count)) for count in threads], settings.threads, str(settings.threads))
        _fill(self.backend, [(name, name) for name in BACKENDS], settings.backend, settings.backend)
        _fill(self.precision, [(name, name) for name in PRECISIONS], settings.precision, settings.precision)
        if ready is not None:
            self.state.setText(
                f"{ready.backend} {ready.precision}, chunks of {chunk_ms:g} ms, "
                f"{ready.threads} {'thread' if ready.threads == 1 else 'threads'}"
            )
        self._choice_changed()

    def show_problem(self, problem: str) -> None:
        """Show why the choices cannot be used, until others are made."""
        self.problem.setText(sentence(problem) + ".")
        self.problem.show()
        self._choice_changed()

    @property
    def wanted(self) -> Settings | None:
        """The settings with the present choices."""
        if self._settings is None:
            return None
        return replace(
            self._settings,
            chunk_ms=self.chunk.currentData(),
            threads=self.threads.currentData(),
            backend=self.backend.currentData(),
            precision=self.precision.currentData(),
        )

    def _choice_made(self) -> None:
        self.problem.hide()
        self._choice_changed()

    def _choice_changed(self) -> None:
        self.apply.setEnabled(self.wanted is not None and self.wanted != self._settings)

    def _apply_clicked(self) -> None:
        self.apply.setEnabled(False)
        self.problem.hide()
        self.state.setText("Starting the audio engine with these choices …")
        self.asked.emit(self.wanted)


def _fill(choice: Choice, entries: Sequence[tuple[object, str]], current: object, name: str) -> None:
    """Offer entries and select the current one, which is added where it is none of them."""
    choice.clear()
    for value, text in entries:
        choice.addItem(text, value)
    if choice.findData(current) < 0:
        choice.addItem(name, current)
    choice.setCurrentIndex(choice.findData(current))

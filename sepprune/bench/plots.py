"""Plots as SVG text that follows the page's colours, so that they can be read in light and in dark mode."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 20, 26, 48
_ROW, _LABELS = 26, 190


@dataclass(frozen=True)
class Mark:
    """One line of :func:`spans`.

    Args:
        label: written at the left.
        value: where the mark is.
        low, high: ends of the bar; equal for none.
        other: where a hollow mark is, ``None`` for none.
    """

    label: str
    value: float
    low: float
    high: float
    other: float | None = None


@dataclass(frozen=True)
class Scale:
    """A horizontal scale, logarithmic or linear."""

    title: str
    low: float
    high: float
    logarithmic: bool = True

    def share(self, value: float) -> float:
        """Position between 0 and 1; values outside are drawn at the end."""
        if self.logarithmic:
            found = math.log(max(value, 1e-12) / self.low) / math.log(self.high / self.low)
        else:
            found = (value - self.low) / (self.high - self.low)
        return min(1.0, max(0.0, found))

    def ticks(self) -> list[float]:
        """Round numbers within the scale."""
        if not self.logarithmic or self.high / self.low < 4:
            return _round_numbers(self.low, self.high)
        powers = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        factors = (1, 2, 5) if self.high / self.low < 500 else (1,)
        found = [factor * 10.0**power for power in powers for factor in factors]
        return [value for value in found if self.low * 0.999 <= value <= self.high * 1.001]


def scale_of(title: str, values: Sequence[float], margin: float = 1.25) -> Scale:
    """A logarithmic scale that has room for all values."""
    above = [value for value in values if value > 0] or [1.0]
    return Scale(title, min(above) / margin, max(above) * margin)


def spans(marks: Sequence[Mark], x: Scale, name: str, line: tuple[float, str] | None = None) -> str:
    """One row a mark, its bar along the x axis.

    Args:
        marks: from top to bottom.
        x: scale.
        name: what the picture shows, for screen readers.
        line: position and name of a vertical line.
    """
    height = _TOP + _ROW * len(marks) + _BOTTOM

    def across(value: float) -> float:
        return _LABELS + x.share(value) * (_WIDTH - _LABELS - _RIGHT)

    parts = [_opening(name, height), *_x_axis(x, across, height)]
    if line is not None:
        parts.append(_line(across(line[0]), _TOP - 4, across(line[0]), height - _BOTTOM, "limit"))
        parts.append(_text(across(line[0]), _TOP - 10, line[1], "end" if x.share(line[0]) > 0.5 else "start"))
    for number, mark in enumerate(marks):
        at = _TOP + _ROW * number + _ROW / 2
        parts.append(_text(_LABELS - 10, at + 4, mark.label, "end"))
        if mark.high > mark.low:
            parts.append(_line(across(mark.low), at, across(mark.high), at, "interval"))
        if mark.other is not None:
            parts.append(f'<circle cx="{across(mark.other):.1f}" cy="{at}" r="5" class="hollow"/>')
        parts.append(f'<circle cx="{across(mark.value):.1f}" cy="{at}" r="5" class="mark"/>')
    return "\n".join([*parts, "</svg>"])


def histogram(counts: Sequence[int], x: Scale, name: str, line: tuple[float, str] | None = None) -> str:
    """Bars of equal width over the whole scale, as high as the counts.

    Args:
        counts: one for each bar, from left to right.
        x: scale.
        name: what the picture shows, for screen readers.
        line: position and name of a vertical line.
    """

    def across(value: float) -> float:
        return _LEFT + x.share(value) * (_WIDTH - _LEFT - _RIGHT)

    room, largest = _HEIGHT - _TOP - _BOTTOM, max([*counts, 1])
    width = (_WIDTH - _LEFT - _RIGHT) / len(counts)
    parts = [_opening(name, _HEIGHT), *_x_axis(x, across, _HEIGHT)]
    for number, count in enumerate(counts):
        if count:
            tall = max(1.5, room * count / largest)  # a single chunk can be seen too
            left, top = _LEFT + number * width, _HEIGHT - _BOTTOM - tall
            parts.append(
                f'<rect x="{left:.1f}" y="{top:.1f}" width="{width - 0.5:.1f}" height="{tall:.1f}" class="mark"/>'
            )
    parts.append(_text(_LEFT - 8, _TOP + 4, f"{largest:,}", "end"))
    parts.append(_text(_LEFT - 8, _HEIGHT - _BOTTOM, "0", "end"))
    parts.append(_text(_LEFT, _TOP - 10, "Chunks", "start"))
    if line is not None:
        parts.append(_line(across(line[0]), _TOP - 4, across(line[0]), _HEIGHT - _BOTTOM, "limit"))
        parts.append(_text(across(line[0]), _TOP - 10, line[1], "end" if x.share(line[0]) > 0.5 else "start"))
    return "\n".join([*parts, "</svg>"])


def course(points: Sequence[tuple[float, float]], x_title: str, y_title: str, name: str) -> str:
    """Values over time as a line that starts at zero height.

    Args:
        points: time and value, in order of time.
        x_title, y_title: of the axes.
        name: what the picture shows, for screen readers.
    """
    x = Scale(x_title, 0.0, max(time for time, _ in points) or 1.0, logarithmic=False)
    y = Scale(y_title, 0.0, 1.15 * max(value for _, value in points) or 1.0, logarithmic=False)

    def across(value: float) -> float:
        return _LEFT + x.share(value) * (_WIDTH - _LEFT - _RIGHT)

    def up(value: float) -> float:
        return _HEIGHT - _BOTTOM - y.share(value) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_opening(name, _HEIGHT), *_x_axis(x, across, _HEIGHT)]
    for tick in y.ticks():
        parts.append(_line(_LEFT, up(tick), _WIDTH - _RIGHT, up(tick), "grid"))
        parts.append(_text(_LEFT - 8, up(tick) + 4, f"{tick:g}", "end"))
    parts.append(_text(_LEFT, _TOP - 10, y.title, "start"))
    path = " ".join(f"{across(time):.1f},{up(value):.1f}" for time, value in points)
    parts.append(f'<polyline points="{path}" class="course"/>')
    return "\n".join([*parts, "</svg>"])


def _x_axis(x: Scale, across: Callable[[float], float], height: float) -> list[str]:
    """Grid lines, numbers and title of the x axis."""
    parts = []
    for tick in x.ticks():
        at = across(tick)
        parts.append(_line(at, _TOP, at, height - _BOTTOM, "grid"))
        parts.append(_text(at, height - _BOTTOM + 18, f"{tick:g}", "middle"))
    left = across(x.low)
    parts.append(_line(left, height - _BOTTOM, _WIDTH - _RIGHT, height - _BOTTOM, "axis"))
    parts.append(_text((left + _WIDTH - _RIGHT) / 2, height - 8, x.title, "middle"))
    return parts


def _round_numbers(low: float, high: float) -> list[float]:
    """About five round numbers in a range."""
    rough = (high - low) / 5
    power = 10 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [round(number * step, 10) for number in range(first, math.floor(high / step + 1e-9) + 1)]


def _opening(name: str, height: float) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height:g}" role="img" aria-label="{escape(name, quote=True)}">'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

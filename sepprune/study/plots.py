"""Plots as SVG text that follows the page's colours, so that they can be read in light and in dark mode."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

_WIDTH, _HEIGHT = 640, 340
_LEFT, _RIGHT, _TOP, _BOTTOM = 64, 16, 16, 52


@dataclass(frozen=True)
class Point:
    """A mark with its interval; ``label`` is written beside it."""

    x: float
    y: float
    low: float
    high: float
    label: str


@dataclass(frozen=True)
class Axis:
    """Title and range of an axis; ``percent`` writes shares as percentages."""

    title: str
    low: float
    high: float
    percent: bool = False

    def ticks(self) -> list[float]:
        """About five round numbers within the range."""
        rough = (self.high - self.low) / 5
        power = 10 ** math.floor(math.log10(rough))
        step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
        first = math.ceil(self.low / step - 1e-9)
        return [number * step for number in range(first, math.floor(self.high / step + 1e-9) + 1)]

    def written(self, value: float) -> str:
        """A tick's text."""
        return f"{value:.0%}" if self.percent else f"{value:g}"


def chart(points: Sequence[Point], x: Axis, y: Axis, name: str, line: tuple[float, str] | None = None) -> str:
    """Marks with vertical intervals.

    Args:
        points: what is drawn; values outside the range of an axis are drawn at its end.
        x, y: axes.
        name: what the picture shows, for screen readers.
        line: height and name of a horizontal line.
    """

    def across(value: float) -> float:
        return _LEFT + _clipped((value - x.low) / (x.high - x.low)) * (_WIDTH - _LEFT - _RIGHT)

    def up(value: float) -> float:
        return _HEIGHT - _BOTTOM - _clipped((value - y.low) / (y.high - y.low)) * (_HEIGHT - _TOP - _BOTTOM)

    parts = [_opening(name, _HEIGHT)]
    for tick in y.ticks():
        parts.append(_line(_LEFT, up(tick), _WIDTH - _RIGHT, up(tick), "grid"))
        parts.append(_text(_LEFT - 8, up(tick) + 4, y.written(tick), "end"))
    for tick in x.ticks():
        parts.append(_line(across(tick), _HEIGHT - _BOTTOM, across(tick), _HEIGHT - _BOTTOM + 5, "axis"))
        parts.append(_text(across(tick), _HEIGHT - _BOTTOM + 19, x.written(tick), "middle"))
    parts.append(_line(_LEFT, _HEIGHT - _BOTTOM, _WIDTH - _RIGHT, _HEIGHT - _BOTTOM, "axis"))
    parts.append(_text((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 10, x.title, "middle"))
    middle = (_TOP + _HEIGHT - _BOTTOM) / 2
    parts.append(_text(14, middle, y.title, "middle", f' transform="rotate(-90 14 {middle:.1f})"'))
    if line is not None:
        parts.append(_line(_LEFT, up(line[0]), _WIDTH - _RIGHT, up(line[0]), "limit"))
    for point in points:
        at = across(point.x)
        parts.append(_line(at, up(point.low), at, up(point.high), "interval"))
        parts.append(f'<circle cx="{at:.1f}" cy="{up(point.y):.1f}" r="5" class="mark"/>')
        end = at > _WIDTH - _RIGHT - 30
        parts.append(_text(at + (-9 if end else 9), up(point.y) - 7, point.label, "end" if end else "start"))
    if line is not None:  # last, so that its outline keeps it readable above an interval
        parts.append(_text(_WIDTH - _RIGHT - 2, up(line[0]) - 5, line[1], "end"))
    return "\n".join([*parts, "</svg>"])


def rows(points: Sequence[Point], x: Axis, name: str) -> str:
    """One row a point: its label at the left, mark and interval along the x axis (``y`` is not used)."""
    height, left = _TOP + 24 * len(points) + _BOTTOM, 150

    def across(value: float) -> float:
        return left + _clipped((value - x.low) / (x.high - x.low)) * (_WIDTH - left - _RIGHT)

    parts = [_opening(name, height)]
    for tick in x.ticks():
        parts.append(_line(across(tick), _TOP, across(tick), height - _BOTTOM, "grid"))
        parts.append(_text(across(tick), height - _BOTTOM + 19, x.written(tick), "middle"))
    parts.append(_text((left + _WIDTH - _RIGHT) / 2, height - 10, x.title, "middle"))
    for number, point in enumerate(points):
        at = _TOP + 24 * number + 12
        label = point.label if len(point.label) <= 20 else point.label[:19] + "…"
        parts.append(_text(left - 10, at + 4, label, "end"))
        parts.append(_line(across(point.low), at, across(point.high), at, "interval"))
        parts.append(f'<circle cx="{across(point.x):.1f}" cy="{at}" r="5" class="mark"/>')
    return "\n".join([*parts, "</svg>"])


def _opening(name: str, height: float) -> str:
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{escape(name, quote=True)}">'


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{kind}"/>'


def _text(x: float, y: float, text: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(text)}</text>'


def _clipped(share: float) -> float:
    return min(1.0, max(0.0, share))

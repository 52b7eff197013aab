"""A page that needs no network: style, tables and figures as HTML text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #59636e; --paper: #ffffff; --line: #d8dee4; --mark: #0b6e8f;
  --limit: #b3541e; --panel: #f4f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --quiet: #9aa5b1; --paper: #15181c; --line: #343b43;
  --mark: #58c0e0; --limit: #f0a36b; --panel: #1e2329; } }
@media print { :root { color-scheme: light; --ink: #000000; --quiet: #444444; --paper: #ffffff; --line: #cccccc;
  --mark: #0b6e8f; --limit: #b3541e; --panel: #ffffff; } }
body { margin: 0 auto; max-width: 1000px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 4px; font-size: 28px; } h2 { margin: 36px 0 8px; font-size: 20px; }
.verdict { background: var(--panel); border-left: 4px solid var(--mark); margin: 16px 0; padding: 12px 16px;
  font-size: 20px; text-wrap: balance; }
.warnings { background: var(--panel); border-left: 4px solid var(--limit); margin: 16px 0; padding: 8px 16px; }
.warnings ul, figcaption ul { margin: 4px 0; padding-left: 20px; } .quiet { color: var(--quiet); }
figure { display: flex; flex-wrap: wrap; gap: 20px; margin: 12px 0; align-items: flex-start; }
figure svg { flex: 1 1 520px; max-width: 640px; min-width: 0; } figcaption { flex: 1 1 240px; font-size: 15px; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; } svg .grid { stroke: var(--line); }
svg .axis { stroke: var(--quiet); } svg .interval { stroke: var(--mark); stroke-width: 3; opacity: 0.55; }
svg .mark { fill: var(--mark); } svg .hollow { fill: var(--paper); stroke: var(--mark); stroke-width: 2; }
svg .limit { stroke: var(--limit); stroke-dasharray: 6 4; stroke-width: 1.5; }
svg .course { fill: none; stroke: var(--mark); stroke-width: 2; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-size: 13px;
  font-variant-numeric: tabular-nums; }
th, td { border-bottom: 1px solid var(--line); padding: 4px 11px 4px 0; text-align: right; white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
.words td { white-space: normal; }
@media print { figure, tr { break-inside: avoid; } h2 { break-after: avoid; } .scroll { overflow: visible; }
  body { padding: 0; } table { font-size: 9px; } th, td { padding: 2px 6px 2px 0; } }
"""


def document(title: str, sections: Iterable[str], data: Mapping[str, Any]) -> str:
    """The whole page.

    Args:
        title: of the window; the heading is one of the sections.
        sections: HTML text.
        data: embedded as JSON in the element ``data``.
    """
    # "<" is escaped, so that no text in the data can end the element
    embedded = json.dumps(data, allow_nan=False).replace("<", "\\u003c")
    body = "\n".join(sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>\n<body>\n{body}\n'
        f'<script type="application/json" id="data">{embedded}</script>\n</body></html>\n'
    )


def paragraph(text: str, kind: str = "") -> str:
    """One paragraph of plain text."""
    return f'<p class="{kind}">{escape(text)}</p>' if kind else f"<p>{escape(text)}</p>"


def listed(texts: Iterable[str]) -> str:
    """A list of sentences, nothing for none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in texts)
    return f"<ul>{items}</ul>" if items else ""


def figure(picture: str, about: str, sentences: Iterable[str]) -> str:
    """A plot with its text.

    Args:
        picture: SVG.
        about: how to read it.
        sentences: what it shows, in words.
    """
    return f"<figure>{picture}<figcaption>{paragraph(about)}{listed(sentences)}</figcaption></figure>"


def table(header: Sequence[str], body: Iterable[Sequence[str]], kind: str = "figures") -> str:
    """A table of text; ``kind`` is ``figures`` or ``words``."""
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def number(value: float | None) -> str:
    """Three significant digits, a dash where there is no value."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"

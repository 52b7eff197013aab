"""The report of a study: one page that needs no network, with words beside every plot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from ..printing import counted
from .analysis import INDISTINGUISHABLE, Analysis, Estimate
from .conclusion import conclusion
from .design import ABX, MUSHRA, PREFERENCE, RATING, THRESHOLD
from .plots import Axis, Point, chart, rows

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --quiet: #59636e; --paper: #ffffff; --line: #d8dee4; --mark: #0b6e8f;
  --limit: #b3541e; --panel: #f4f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ed; --quiet: #9aa5b1; --paper: #15181c; --line: #343b43;
  --mark: #58c0e0; --limit: #f0a36b; --panel: #1e2329; } }
body { margin: 0 auto; max-width: 1000px; padding: 24px; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { margin: 0 0 4px; font-size: 28px; } h2 { margin: 36px 0 8px; font-size: 20px; }
.conclusion { background: var(--panel); border-left: 4px solid var(--mark); margin: 16px 0; padding: 12px 16px;
  font-size: 18px; }
.quiet { color: var(--quiet); } figure { display: flex; flex-wrap: wrap; gap: 20px; margin: 12px 0;
  align-items: flex-start; }
figure svg { flex: 1 1 520px; max-width: 640px; } figcaption { flex: 1 1 240px; }
svg text { fill: var(--ink); font: 13px system-ui, sans-serif; paint-order: stroke; stroke: var(--paper);
  stroke-width: 4px; } svg .grid { stroke: var(--line); }
svg .axis { stroke: var(--quiet); } svg .interval { stroke: var(--mark); stroke-width: 2.5; }
svg .mark { fill: var(--mark); } svg .limit { stroke: var(--limit); stroke-dasharray: 6 4; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
table + table, .scroll + .scroll { margin-top: 20px; }
th, td { border-bottom: 1px solid var(--line); padding: 5px 10px 5px 0; text-align: right; font-size: 14px; }
td { white-space: nowrap; } th { vertical-align: bottom; }
th:first-child, td:first-child, .words td, .words th { text-align: left; }
.words td, td:first-child { white-space: normal; }
"""
_METHODS = {
    ABX: "ABX",
    PREFERENCE: "paired preference",
    MUSHRA: "MUSHRA (ITU-R BS.1534-3)",
    RATING: "rating (questions of ITU-T P.835)",
    THRESHOLD: "threshold (adaptive ABX)",
}
_VALUES = {
    ABX: ("Right answers", 0.4, 1.0),
    PREFERENCE: ("Share preferred to the baseline", 0.0, 1.0),
    MUSHRA: ("Score", 0.0, 100.0),
    RATING: ("Rating (5 is best)", 1.0, 5.0),
    THRESHOLD: ("Listeners who hear the level", 0.0, 1.0),
}
_SHARES = (ABX, PREFERENCE, THRESHOLD)
_TOPICS = {None: "", "voice": "the voice", "other": "what is left of the other voice"}


def report(analysis: Analysis) -> str:
    """The page as HTML text."""
    count = len(analysis.listeners)
    voided = f"{counted(analysis.void, 'void attempt that was', 'void attempts that were')} repeated"
    items, listeners = counted(len(analysis.design.items), "item"), counted(count, "listener")
    facts = f"{_METHODS[analysis.design.method]}, {items}, {listeners} in the analysis"
    answers = counted(analysis.trials, "answer")
    sections = [
        f"<h1>{escape(analysis.title)}</h1>",
        f'<p class="quiet">{facts}, {answers}, {voided}.</p>',
        f'<p class="conclusion"><strong>Conclusion.</strong> {escape(conclusion(analysis))}</p>',
        *_plots(analysis),
        *_thresholds(analysis),
        "<h2>Figures</h2>",
        _levels(analysis),
        *_others(analysis),
        "<h2>Excluded listeners</h2>",
        _excluded(analysis),
        "<h2>Conditions</h2>",
        _table(
            ("Condition", "What it is"), ((one.name, one.description) for one in analysis.design.conditions), "words"
        ),
        "<h2>How to read this</h2>",
        *(f"<p>{escape(text)}</p>" for text in _method_notes(analysis)),
    ]
    body = "\n".join(sections)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(analysis.title)}</title>\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n'
    )


def _plots(analysis: Analysis) -> Iterable[str]:
    title, low, high = _VALUES[analysis.design.method]
    y = Axis(title, low, high, analysis.design.method in _SHARES)
    line = {ABX: (0.5, "guessing"), PREFERENCE: (0.5, "no preference")}.get(analysis.design.method)
    for topic in dict.fromkeys(one.topic for one in analysis.levels):
        some = [one for one in analysis.levels if one.topic == topic]
        about = f", {_TOPICS[topic]}," if topic else ""
        costs = [(one, (one.condition.macs_per_second or 0.0) / 1e6) for one in some]
        yield f"<h2>{title}{about} against multiply-adds</h2>"
        yield _figure(costs, "Million multiply-adds a second", y, line)
        timed = [(one, one.condition.chunk_ms) for one in some if one.condition.chunk_ms is not None]
        yield f"<h2>{title}{about} against measured chunk time</h2>"
        if timed:
            yield _figure(timed, "Chunk time, ms", y, line)
        else:
            yield (
                "<p>No chunk times were given. Measure them with <code>sepprune bench --json times.json</code> and "
                "merge again with <code>--times times.json</code>.</p>"
            )


def _figure(costs: Sequence[tuple[Estimate, float]], title: str, y: Axis, line: tuple[float, str] | None) -> str:
    x = Axis(title, 0.0, 1.08 * max(cost for _, cost in costs) or 1.0)
    points = [Point(cost, one.estimate, *one.interval, str(one.condition.level)) for one, cost in costs]
    unit = "ms" if "ms" in title else "million multiply-adds a second"
    sentences = [
        f"Level {one.condition.level}: {_figure_text(one.estimate, y.percent)} ({_interval(one, y.percent)}) "
        f"at {cost:.3g} {unit}"
        for one, cost in costs
    ]
    listed = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    caption = f"<p>Marks are estimates, bars 95 % intervals, numbers levels.</p><ul>{listed}</ul>"
    return (
        f"<figure>{chart(points, x, y, f'{y.title} against {title}', line)}<figcaption>{caption}</figcaption></figure>"
    )


def _thresholds(analysis: Analysis) -> Iterable[str]:
    if not analysis.thresholds:
        return
    levels = [one.level for one in analysis.design.compared if one.level is not None]
    points = [Point(one.median, 0.0, one.low, one.high, name) for name, one in sorted(analysis.thresholds.items())]
    sentences = [
        f"{name}: " + ("hears no difference" if one.hears_none else f"threshold {one.median:.1f}")
        + f" ({one.low:.1f} to {one.high:.1f})"
        for name, one in sorted(analysis.thresholds.items())
    ]  # fmt: skip
    listed = "".join(f"<li>{escape(text)}</li>" for text in sentences)
    picture = rows(points, Axis("Threshold, levels", levels[0] - 1.0, levels[-1] + 2.5), "Thresholds of the listeners")
    yield "<h2>Threshold of each listener</h2>"
    yield (
        f"<figure>{picture}<figcaption><p>Pruning above the threshold is heard. A threshold above level {levels[-1]} "
        "lies beyond the lightest level of this study. Bars are 95 % intervals.</p>"
        f"<ul>{listed}</ul></figcaption></figure>"
    )


def _levels(analysis: Analysis) -> str:
    percent = analysis.design.method in _SHARES
    spread = any(one.quartiles is not None for one in analysis.levels)
    bounded = any(one.upper_bound is not None for one in analysis.levels)
    header = [
        "Level", "Question", _VALUES[analysis.design.method][0], "95 % interval", "p, adjusted",
        *(["Upper bound"] if bounded else []),
        *(["Median (quartiles)"] if spread else []), "M multiply-adds/s", "Chunk, ms", "Answers",
    ]  # fmt: skip
    body = []
    for one in analysis.levels:
        condition = one.condition
        body.append(
            [
                str(condition.level) + (" (baseline)" if condition.name == analysis.design.baseline else ""),
                _TOPICS.get(one.topic, ""),
                _figure_text(one.estimate, percent),
                _interval(one, percent),
                "–" if one.p_adjusted is None else f"{one.p_adjusted:.2g}",
                *(["–" if one.upper_bound is None else _figure_text(one.upper_bound, True)] if bounded else []),
                *([_quartiles(one)] if spread else []),
                "–" if condition.macs_per_second is None else f"{condition.macs_per_second / 1e6:.0f}",
                "–" if condition.chunk_ms is None else f"{condition.chunk_ms:.2f}",
                str(one.trials),
            ]
        )
    if all(not row[1] for row in body):
        header, body = [header[0], *header[2:]], [[row[0], *row[2:]] for row in body]
    return _table(header, body)


def _others(analysis: Analysis) -> Iterable[str]:
    if not analysis.others:
        return
    yield "<h2>Reference and anchors</h2>"
    for topic in dict.fromkeys(one.topic for one in analysis.others):
        title = _VALUES[analysis.design.method][0] + (f", {_TOPICS[topic]}" if topic else "")
        rows_ = [
            (one.condition.name, _figure_text(one.estimate, False), _interval(one, False))
            for one in analysis.others
            if one.topic == topic
        ]
        yield _table(("Condition", title, "95 % interval"), rows_)


def _excluded(analysis: Analysis) -> str:
    if not analysis.excluded:
        return "<p>Nobody was excluded.</p>"
    return _table(("Listener", "Rule"), ((one.listener, one.rule) for one in analysis.excluded), "words")


def _method_notes(analysis: Analysis) -> Iterable[str]:
    method = analysis.design.method
    if method == ABX:
        yield (
            "Listeners are the unit: with six or more, signs of their shares above one half are flipped; with fewer, "
            "the exact binomial test of each listener is corrected for their number. A level counts as impossible to "
            f"tell apart only where the upper bound on right answers is below {INDISTINGUISHABLE:.0%}. "
            "A large p-value alone shows nothing."
        )
        if analysis.design.open_ended:
            yield "Open-ended sessions use e-values, valid however often one looks; they never show equality."
    if method == PREFERENCE:
        yield "No preference counts as one half. Tests flip signs of the listeners' shares around one half."
    if method in (MUSHRA, RATING):
        yield (
            "Each level is compared with the baseline by Wilcoxon's signed-rank test on the listeners' means; "
            "Friedman's test that all levels are equal gives "
            + ", ".join(f"p = {p:.2g} ({topic})" for topic, p in analysis.omnibus.items())
            + "."
        )
        grouped = [str(one.condition.level) for one in analysis.levels if (one.bimodality or 0.0) > 5 / 9]
        if grouped:
            yield (
                f"Scores of level {', '.join(dict.fromkeys(grouped))} may come from two groups of listeners: the "
                "coefficient of bimodality is above 5/9. Look at answers.csv before you trust their mean."
            )
    if method == MUSHRA:
        yield (
            "Listeners are screened by both rules of BS.1534-3. The mixture takes the place of the mid anchor, whose "
            "7 kHz low-pass is all but inaudible in speech at 16 kHz."
        )
    if method == THRESHOLD:
        yield "A level counts as heard by a listener where the median of the threshold's posterior is at or below it."
    yield "P-values are corrected by Holm over all levels. Intervals of means draw listeners and items again."


def _table(header: Sequence[str], body: Iterable[Sequence[str]], kind: str = "figures") -> str:
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in header)
    lines = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in body)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _figure_text(value: float, percent: bool) -> str:
    return f"{value:.0%}" if percent else f"{value:.1f}"


def _interval(estimate: Estimate, percent: bool) -> str:
    low, high = estimate.interval
    return f"{_figure_text(low, percent)} to {_figure_text(high, percent)}"


def _quartiles(estimate: Estimate) -> str:
    if estimate.quartiles is None:
        return "–"
    low, middle, high = estimate.quartiles
    return f"{middle:.1f} ({low:.1f} to {high:.1f})"

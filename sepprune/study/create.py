"""Making a study: recordings x levels x voices, loudness-matched, under opaque names."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import UserError
from ..streaming import Ladder
from .archive import Study, write_study
from .design import (
    ABX,
    FEWEST_ITEMS,
    LOW_PASS,
    METHODS,
    MIXTURE,
    MUSHRA,
    PREFERENCE,
    RATING,
    REFERENCE,
    THRESHOLD,
    Condition,
    Design,
    Item,
    check,
)
from .render import Passage, Recording, Rendered, Renderer, opened, passages
from .sound import Signal, faded, loudness, low_pass, matching_gains, samples_of, wave_bytes
from .texts import Texts, default_texts

#: trials where none are asked for; open-ended ABX stops at the second number at the latest
TRIALS = {ABX: 16, PREFERENCE: 8, THRESHOLD: 40, MUSHRA: 1, RATING: 1}
OPEN_ENDED_TRIALS = 50
CONTROLS = {ABX: 8, PREFERENCE: 8, THRESHOLD: 8, MUSHRA: 0, RATING: 0}
TRAINING = {ABX: 3, PREFERENCE: 2, THRESHOLD: 3, MUSHRA: 1, RATING: 2}
#: duration that a passage may have; BS.1534-3 allows 12 s at most, loudness needs 0.4 s
SHORTEST, LONGEST = 1.0, 12.0


@dataclass(frozen=True)
class StudySettings:
    """What a study is made from, besides ladder and recordings.

    Args:
        method: one of :data:`~.design.METHODS`.
        levels: level numbers; the lowest is the baseline.
        trials: see :class:`~.design.Design`; ``None`` is the method's default.
        open_ended: ABX until the evidence suffices.
        items: passages times voices, at most.
        seconds: duration of a passage.
        seed: of the choice of items and of the names.
        title: of the window and the report.
        chunk_ms, backend, precision: of the stream.
        times: measured chunk time by level in ms, for the report.
        texts: that listeners read; ``None`` for the usual ones.
        headphone_check: ask before the training which of three tones is the softest.
    """

    method: str
    levels: tuple[int, ...]
    trials: int | None = None
    open_ended: bool = False
    items: int = 8
    seconds: float = 8.0
    seed: int = 0
    title: str = "Listening test"
    chunk_ms: float = 8.0
    backend: str = "auto"
    precision: str = "auto"
    times: Mapping[int, float] | None = None
    texts: Texts | None = None
    headphone_check: bool = False


@dataclass(frozen=True)
class Created:
    """A study that was written, and the largest loudness difference within an item, in LU, measured in its files."""

    study: Study
    largest_loudness_difference: float


def create_study(
    ladder: Ladder,
    recordings: Sequence[Recording],
    settings: StudySettings,
    out: Path,
    advance: Callable[[float], None] = lambda share: None,
) -> Created:
    """Render, match and seal the stimuli of a study.

    Args:
        ladder: the levels.
        recordings: where the items come from. Where all have references, MUSHRA compares with them; otherwise the
            baseline is the reference.
        settings: what else decides the study.
        out: the zip file.
        advance: called with the share that is done.

    Raises:
        UserError: a setting is not possible, a recording cannot be read, or too few voices can be heard.
    """
    _check(settings, recordings)
    levels = sorted(set(settings.levels))
    clean = all(one.references for one in recordings)
    conditions = _conditions(ladder, settings, levels, clean)
    check(_design(settings, conditions, [Item(str(number), 1) for number in range(settings.items)]))
    items: list[Item] = []
    stimuli: dict[tuple[str, str], bytes] = {}
    gains: dict[str, dict[str, float]] = {}
    largest = 0.0
    with opened(ladder, levels, settings.chunk_ms, settings.backend, settings.precision) as renderer:
        for passage, voice, rendered in _candidates(renderer, recordings, ladder, settings):
            name = f"{passage.recording.name}-{passage.number + 1}-voice-{voice + 1}"
            signals = _signals(rendered, voice, levels[0], conditions, ladder.sample_rate)
            found = matching_gains(signals, ladder.sample_rate)
            if found is None:
                continue  # a voice that is silent under a condition cannot be compared
            files = {one: wave_bytes(signals[one] * np.float32(found[one]), ladder.sample_rate) for one in signals}
            heard = [loudness(samples_of(content, name)[0], ladder.sample_rate) for content in files.values()]
            largest = max(largest, max(heard) - min(heard))
            items.append(Item(name, passage.stop - passage.start))
            gains[name] = {one: round(20 * float(np.log10(gain)), 3) for one, gain in found.items()}
            stimuli |= {(name, one): content for one, content in files.items()}
            advance(len(items) / settings.items)
            if len(items) == settings.items:
                break
        facts = {
            "ladder": ladder.name,
            "ladder_sha256": hashlib.sha256("".join(one.sha256 for one in ladder.levels).encode()).hexdigest(),
            "chunk_ms": renderer.chunk_ms,
            "computed_by": {str(level): by for level, by in renderer.computed_by.items()},
            "gains_db": gains,
            "largest_loudness_difference_lu": round(largest, 4),
            "headphone_check": settings.headphone_check,
        }
    if not items:
        raise UserError(
            "no voice of these recordings is loud enough under every level: give louder recordings of speech"
        )
    design = _design(settings, conditions, items)
    check(design)
    texts = settings.texts or default_texts(settings.method, settings.title)
    study = write_study(out, design, texts, ladder.sample_rate, stimuli, settings.seed, facts)
    return Created(study, largest)


def _check(settings: StudySettings, recordings: Sequence[Recording]) -> None:
    names = [one.name for one in recordings]
    if twice := {name for name in names if names.count(name) > 1}:
        raise UserError(f"two recordings are called {min(twice)}: rename one, items are named after their files")
    if settings.method not in METHODS:
        raise UserError(f"no listening test is called {settings.method!r}: choose from {', '.join(METHODS)}")
    if settings.trials is not None and settings.method in (MUSHRA, RATING):
        raise UserError(f"--method {settings.method} asks every item once: give --items in place of --trials")
    if not SHORTEST <= settings.seconds <= LONGEST:
        raise UserError(
            f"--seconds {settings.seconds:g} is not possible: give {SHORTEST:g} to {LONGEST:g}, "
            "longer passages cannot be compared from memory"
        )
    if not 1 <= settings.items <= 100:
        raise UserError(f"--items {settings.items} is not possible: give 1 to 100")
    if settings.method in (MUSHRA, RATING) and settings.items < FEWEST_ITEMS:
        raise UserError(f"--method {settings.method} needs at least {FEWEST_ITEMS} items: give --items {FEWEST_ITEMS}")
    if not 0 <= settings.seed < 2**63:
        raise UserError(f"--seed {settings.seed} is not possible: give 0 or more, below 2 to the power of 63")


def _design(settings: StudySettings, conditions: tuple[Condition, ...], items: Sequence[Item]) -> Design:
    method, baseline = settings.method, next(one.name for one in conditions if one.level is not None)
    usual = OPEN_ENDED_TRIALS if settings.open_ended else TRIALS[method]
    return Design(
        method,
        tuple(items),
        conditions,
        baseline,
        MIXTURE if method in (MUSHRA, RATING) else LOW_PASS,
        usual if settings.trials is None else settings.trials,
        CONTROLS[method],
        TRAINING[method],
        settings.open_ended,
    )


def _conditions(ladder: Ladder, settings: StudySettings, levels: Sequence[int], clean: bool) -> tuple[Condition, ...]:
    """Levels, then reference and anchors as the method needs them."""
    mushra, found = settings.method == MUSHRA, []
    for number in levels:
        level, hidden = ladder[number], mushra and not clean and number == levels[0]
        found.append(
            Condition(
                REFERENCE if hidden else f"level-{number}",
                f"Level {number}, {level.params} parameters" + (", hidden reference" if hidden else ""),
                number,
                level.macs_per_second,
                level.params,
                (settings.times or {}).get(number),
            )
        )
    if clean and settings.method in (MUSHRA, RATING):
        found.append(Condition(REFERENCE, "The clean voice before it was mixed"))
    if settings.method != RATING:
        whose = "reference" if mushra else f"output of level {levels[0]}"
        found.append(Condition(LOW_PASS, f"The {whose}, low-passed at 3.5 kHz (BS.1534-3 low anchor)"))
    if settings.method in (MUSHRA, RATING):
        found.append(
            Condition(
                MIXTURE, "The unprocessed mixture of both voices; in place of the 7 kHz anchor, which speech hides"
            )
        )
    return tuple(found)


def _candidates(
    renderer: Renderer, recordings: Sequence[Recording], ladder: Ladder, settings: StudySettings
) -> Iterator[tuple[Passage, int, Rendered]]:
    """Voices of passages in random order: one passage of every recording before a second one of any."""
    rng = np.random.default_rng(settings.seed)
    queue = [(recording, None) for recording in (recordings[index] for index in rng.permutation(len(recordings)))]
    waiting: deque[tuple[Recording, list[Passage] | None]] = deque(queue)
    while waiting:
        recording, left = waiting.popleft()
        if left is None:
            cut = passages(recording, ladder.sample_rate, settings.seconds)
            if cut[0].stop < SHORTEST * ladder.sample_rate:
                raise UserError(f"{recording.mixture} is shorter than {SHORTEST:g} s: give longer recordings")
            left = [cut[index] for index in rng.permutation(len(cut))]
        rendered = renderer.render(left[0])
        for voice in range(len(rendered.voices[renderer.baseline])):
            yield left[0], voice, rendered
        if left[1:]:
            waiting.append((recording, left[1:]))


def _signals(
    rendered: Rendered, voice: int, baseline: int, conditions: Sequence[Condition], sample_rate: int
) -> dict[str, Signal]:
    """The item under every condition."""
    best = rendered.voices[baseline][voice]
    if rendered.references is not None and any(one.name == REFERENCE and one.level is None for one in conditions):
        best = rendered.references[voice]

    def signal(condition: Condition) -> Signal:
        if condition.level is not None:
            return np.asarray(rendered.voices[condition.level][voice], np.float32)
        if condition.name == LOW_PASS:
            return low_pass(best, sample_rate)
        return rendered.mixture if condition.name == MIXTURE else np.asarray(best, np.float32)

    return {one.name: faded(signal(one), sample_rate) for one in conditions}

"""Small studies without a ladder, and listeners that answer them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sepprune.study.archive import Study, write_study
from sepprune.study.create import CONTROLS, OPEN_ENDED_TRIALS, TRAINING, TRIALS
from sepprune.study.design import LOW_PASS, MIXTURE, MUSHRA, RATING, REFERENCE, Condition, Design, Item
from sepprune.study.session import Session, Trial
from sepprune.study.sound import wave_bytes
from sepprune.study.texts import default_texts

RATE, SAMPLES = 16_000, 160
#: what small studies state besides the rest; tests may set it
FACTS: dict[str, object] = {}


def small_design(
    method: str,
    levels: tuple[int, ...] = (0, 2, 4),
    items: int = 6,
    open_ended: bool = False,
    trials: int | None = None,
) -> Design:
    names = [Condition(f"level-{level}", f"Level {level}", level, 4e8 / (level + 1), 1000) for level in levels]
    if method == MUSHRA:
        names += [Condition(REFERENCE, "clean"), Condition(LOW_PASS, "low-passed"), Condition(MIXTURE, "mixture")]
    else:
        names.append(Condition(MIXTURE if method == RATING else LOW_PASS, "control"))
    usual = OPEN_ENDED_TRIALS if open_ended else TRIALS[method]
    return Design(
        method,
        tuple(Item(f"talk-{number}", SAMPLES) for number in range(items)),
        tuple(names),
        f"level-{levels[0]}",
        MIXTURE if method in (MUSHRA, RATING) else LOW_PASS,
        usual if trials is None else trials,
        CONTROLS[method],
        TRAINING[method],
        open_ended,
    )


def write_small_study(path: Path, design: Design, seed: int = 1) -> Study:
    """Stimuli are noise, each another one."""
    rng = np.random.default_rng(seed)
    stimuli = {
        (item.name, one.name): wave_bytes(0.1 * rng.standard_normal(item.samples).astype(np.float32), RATE)
        for item in design.items
        for one in design.conditions
    }
    texts = default_texts(design.method, "A small study")
    return write_study(path, design, texts, RATE, stimuli, seed, {"ladder": "none", "gains_db": {}, **FACTS})


def small_study(folder: Path, method: str, **settings: object) -> Study:
    return write_small_study(folder / f"{method}.zip", small_design(method, **settings))  # type: ignore[arg-type]  # forwarded


def played(trial: Trial) -> dict[str, int]:
    return {label: 1 for label in trial.labels}


def answer_somehow(session: Session, trial: Trial) -> str | None:
    """The first choice, or 50 for every sample."""
    choice = trial.choices[0] if trial.choices else None
    return session.answer(choice, {label: 50 for label in trial.scored}, 1.5, played(trial))

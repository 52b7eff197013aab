"""From one trained separator to a ladder: masks, surgery, fine-tuning with the dense model as teacher."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from safetensors.torch import save_file
from torch import nn

from ..errors import UserError
from ..losses import ordered_snr_loss
from ..training.batches import ordered_batches
from ..training.learner import Learner
from ..training.processes import Processes
from ..training.settings import TrainingSettings, build_settings, read_toml
from ..training.trainer import Trainer
from .hints import Hints
from .weights import load_model, load_weights

if TYPE_CHECKING:
    from ..pruning import PruningPlan

#: so that masks are learned on mixtures that fine-tuning does not start with
_MASK_SEED = 1_000


@dataclass(frozen=True)
class LadderSettings:
    """How a ladder is made.

    Args:
        name: what the ladder is called.
        out: ladder folder.
        runs: folder for the levels' runs, from which an interrupted ladder goes on.
        reductions: shares of the dense MACs that the levels save, lightest last.
        learning_rates: of each of these levels; where there are none, that of the training.
        mask_steps: updates in which masks are learned.
        method: pruning method, see :func:`sepprune.prune`.
        round_to: levels keep multiples of this many channels; GPUs train multiples of 8 several times as fast.
        whole_branches: residual branches may go whole, those with fewer channels than ``narrowest`` do.
        narrowest: see :class:`~sepprune.pruning.Floor`.
        gradual: cut a level out of the next heavier one that has been fine-tuned when its masks are learned, instead
            of out of the dense model.
        bits: of a stored weight, see :func:`~..streaming.rounding.rounded`.
        training: the dense model and how levels are fine-tuned; its ``out`` is not used.
        card: facts for people: data, licences, command.
    """

    name: str
    out: str
    runs: str
    training: TrainingSettings
    reductions: tuple[float, ...] = (0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95)
    learning_rates: tuple[float, ...] = ()
    mask_steps: int = 500
    method: str = "sepprune"
    round_to: int = 1
    whole_branches: bool = False
    narrowest: int = 0
    gradual: bool = False
    bits: int = 8
    card: dict[str, str] = field(default_factory=dict)


def load_ladder_settings(path: str, data: str | None = None) -> LadderSettings:
    """Read a ladder's TOML file: top-level entries, ``[card]``, and ``[training]`` as in a training run.

    Args:
        path: of the file.
        data: recordings to use instead of those that it names.

    Raises:
        UserError: the file is missing or malformed, or names something unknown.
    """
    content = read_toml(path)
    training = {"out": "", **content.pop("training", {})} | ({} if data is None else {"data": data})
    settings = build_settings(TrainingSettings, training, f"[training] of {path}")
    ladder = build_settings(LadderSettings, content | {"training": settings}, path)
    if ladder.learning_rates and len(ladder.learning_rates) != len(ladder.reductions):
        raise UserError(
            f"{path} has {len(ladder.learning_rates)} learning_rates for {len(ladder.reductions)} "
            "reductions: give one a level, or none"
        )
    if not 2 <= ladder.bits <= 8:
        raise UserError(f"{path} asks for weights of {ladder.bits} bits: give 2 to 8")
    return ladder


class LadderMaker:
    """Makes the levels of a ladder one after the other.

    Args:
        settings: what to make.
        processes: the processes that fine-tune together; the first one learns masks and writes.
    """

    def __init__(self, settings: LadderSettings, processes: Processes) -> None:
        self.settings, self.processes = settings, processes
        self.dense = load_model(settings.training.model)

    def level_folder(self, level: int) -> Path:
        return Path(self.settings.runs) / f"level-{level}"

    def learn_masks(self, levels: Sequence[int]) -> None:
        """Learn the pruning plans that are still missing, the processes sharing the levels among them."""
        missing = [level for level in levels if level and not self._plan_file(level).is_file()]
        self.processes.agree(0)  # nobody writes before everybody has looked
        for level in missing[self.processes.rank :: self.processes.count]:
            self._learn_plan(level)
        self.processes.agree(0)  # nobody reads before everything is written

    def _fresh(self, level: int) -> nn.Module:
        """The level before fine-tuning."""
        separator = copy.deepcopy(self.dense)
        if level:
            separator = self._plan(level).apply(separator)
            load_weights(separator, self.level_folder(level) / "start.safetensors")
        return separator

    def _plan_file(self, level: int) -> Path:
        return self.level_folder(level) / "plan.json"

    def _plan(self, level: int) -> PruningPlan:
        from ..pruning import PruningPlan

        return PruningPlan.load(self._plan_file(level))

    def _best(self, level: int) -> Path:
        return self.level_folder(level) / "best.safetensors"

    def _learn_plan(self, level: int) -> None:
        from ..pruning import Floor, prune

        path, training, kept = self._plan_file(level), self.settings.training, 1 - self.settings.reductions[level - 1]
        heavier = max((other for other in range(1, level) if self._best(other).is_file()), default=0)
        if not self.settings.gradual or not heavier:
            heavier, base = 0, self.dense
        else:
            base = self._fresh(heavier)
            load_weights(base, self._best(heavier))
            kept /= 1 - self.settings.reductions[heavier - 1]
        result = prune(
            base,
            macs=kept,
            method=self.settings.method,
            loss=ordered_snr_loss,
            steps=self.settings.mask_steps,
            seed=training.seed,
            round_to=self.settings.round_to,
            floor=Floor(whole_branches=self.settings.whole_branches, narrowest=self.settings.narrowest),
            data=ordered_batches(training, self.dense, training.seed + _MASK_SEED, 1),
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        report = {"cut_from_level": heavier, **result.report}
        (path.parent / "prune.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
        save_file(result.model.state_dict(), path.parent / "start.safetensors")
        (self._plan(heavier).then(result.plan) if heavier else result.plan).save(path)

    def finetune(self, levels: Sequence[int], minutes: float) -> list[dict[str, Any]]:
        """Fine-tune levels whose masks are learned side by side, on the same mixtures; those that were started go on.

        The dense level can be trained on as well, so that levels differ by their size and not by their training.
        """
        students = [self._student(level) for level in levels]
        trainer = Trainer(self.settings.training, students, teacher=self.dense, processes=self.processes)
        return [
            {"level": level, **report}
            for level, report in zip(levels, trainer.run(minutes, cooldown=True), strict=True)
        ]

    def _student(self, level: int) -> Learner:
        folder, training = self.level_folder(level), self.settings.training
        model, optimiser = training.model, training.optimiser
        hints = None
        if level:
            model = dataclasses.replace(model, plan=str(self._plan_file(level)))
            hints = Hints(self.dense, self._plan(level), training.hints) if training.hints else None
            if self.settings.learning_rates:
                optimiser = dataclasses.replace(optimiser, learning_rate=self.settings.learning_rates[level - 1])
        settings = dataclasses.replace(training, out=str(folder), model=model, optimiser=optimiser)
        return Learner(
            settings, self._fresh(level).requires_grad_(), (folder / "last.pt").is_file(), self.processes, hints
        )

    def write(self) -> Path:
        """Put the dense model and every level that has been fine-tuned into the ladder folder."""
        from ..pruning import analyze
        from ..streaming import LevelRecord, write_ladder
        from ..streaming.rounding import rounded

        levels, model = [], self.settings.training.model
        for level in range(len(self.settings.reductions) + 1):
            best = self._best(level)
            if level and not best.is_file():
                continue
            separator = self._fresh(level)
            if best.is_file():
                load_weights(separator, best)
            facts = {"macs_per_second": analyze(separator).macs_per_second}
            plan = self._plan(level) if level else None
            weights = rounded(separator.state_dict(), self.settings.bits)
            levels.append(LevelRecord(model.name, model.settings, plan, weights, facts))
        return write_ladder(self.settings.out, self.settings.name, levels, self.settings.card).folder

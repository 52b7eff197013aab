"""From one trained separator to a ladder: masks, surgery, fine-tuning with the dense model as teacher."""

from __future__ import annotations

import copy
import dataclasses
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from .corpus import Collection, load_voices
from .losses import ordered_snr_loss, reorder
from .mixtures import Mixtures
from .settings import TrainingSettings, build_settings, read_toml
from .trainer import Trainer
from .weights import load_model, load_weights

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
        mask_steps: updates in which masks are learned.
        method: pruning method, see :func:`sepprune.prune`.
        training: the dense model and how levels are fine-tuned; its ``out`` is not used.
        card: facts for people: data, licences, command.
    """

    name: str
    out: str
    runs: str
    training: TrainingSettings
    reductions: tuple[float, ...] = (0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 0.95)
    mask_steps: int = 500
    method: str = "sepprune"
    card: dict[str, str] = field(default_factory=dict)


def load_ladder_settings(path: str, **overrides: Any) -> LadderSettings:
    """Read a ladder's TOML file: top-level entries, ``[card]``, and ``[training]`` as in a training run."""
    content = read_toml(path) | {name: value for name, value in overrides.items() if value is not None}
    training = build_settings(TrainingSettings, {"out": "", **content.pop("training", {})}, f"[training] of {path}")
    return build_settings(LadderSettings, content | {"training": training}, path)


class LadderMaker:
    """Makes the levels of a ladder one after the other.

    Args:
        settings: what to make.
    """

    def __init__(self, settings: LadderSettings) -> None:
        self.settings = settings
        self.dense = load_model(settings.training.model)

    def level_folder(self, level: int) -> Path:
        return Path(self.settings.runs) / f"level-{level}"

    def plan(self, level: int) -> Any:
        """The pruning plan of a level, learned now or read back."""
        from ..pruning import PruningPlan, prune

        path = self.level_folder(level) / "plan.json"
        if path.is_file():
            return PruningPlan.load(path)
        dense = copy.deepcopy(self.dense)
        result = prune(dense, example_mixture(dense), macs=1 - self.settings.reductions[level - 1],
                       method=self.settings.method, data=self._batches(), loss=ordered_snr_loss,
                       steps=self.settings.mask_steps, seed=self.settings.training.seed)
        path.parent.mkdir(parents=True, exist_ok=True)
        (path.parent / "prune.json").write_text(json.dumps(result.report, indent=2) + "\n", encoding="utf-8")
        result.plan.save(path)
        return result.plan

    def finetune(self, level: int, minutes: float) -> dict[str, Any]:
        """Prune a level and fine-tune it; a level that was started goes on."""
        folder = self.level_folder(level)
        pruned = self.plan(level).apply(copy.deepcopy(self.dense))
        model = dataclasses.replace(self.settings.training.model, plan=str(folder / "plan.json"))
        settings = dataclasses.replace(self.settings.training, out=str(folder), model=model)
        trainer = Trainer(settings, pruned, teacher=self.dense, resume=(folder / "last.pt").is_file())
        return trainer.run(minutes, cooldown=True)

    def write(self) -> Path:
        """Put the dense model and every level that has been fine-tuned into the ladder folder."""
        from ..pruning import analyze
        from ..streaming import write_ladder

        levels, model = [], self.settings.training.model
        for level in range(len(self.settings.reductions) + 1):
            best = self.level_folder(level) / "best.safetensors"
            if level and not best.is_file():
                continue
            plan = self.plan(level) if level else None
            separator = copy.deepcopy(self.dense)
            if plan is not None:
                separator = plan.apply(separator)
                load_weights(separator, best)
            facts = {"macs_per_second": analyze(separator, example_mixture(separator)).macs_per_second}
            levels.append((model.name, model.settings, plan, separator.state_dict(), facts))
        return write_ladder(self.settings.out, self.settings.name, levels, self.settings.card).folder

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Mixtures with references in the dense model's order, so that masks are learned in that order too."""
        training = self.settings.training
        voices = load_voices(Collection(training.data), "train", "speech")
        noise = load_voices(Collection(training.data), "train", "noise") if training.mixtures.noise else None
        data = Mixtures(training.mixtures, voices, noise, 10_000_000, training.seed + _MASK_SEED)
        delay = getattr(self.dense, "delay", 0)
        for mixture, reference in DataLoader(data, batch_size=None, shuffle=False, num_workers=1):
            with torch.no_grad():
                guide = self.dense(mixture)[0][..., delay:]
            reference[..., :guide.shape[-1]] = reorder(reference[..., :guide.shape[-1]], guide)
            yield mixture, reference


def example_mixture(separator: nn.Module) -> Tensor:
    """A mixture long enough to touch everything in a separator: one second, or two and a half segments."""
    frames = max(separator.sample_rate // separator.hop, int(2.5 * (separator.segment or 0)))
    return 0.1 * torch.randn(1, frames * separator.hop, generator=torch.Generator().manual_seed(0))

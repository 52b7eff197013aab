import copy
import dataclasses
from pathlib import Path

import pytest
import torch
from torch import nn

from sepprune import prune
from sepprune.errors import UserError
from sepprune.ladders.hints import Hints
from sepprune.pruning import PruningPlan
from sepprune.pruning.plan import Cut, Removal
from sepprune.separators import build_separator
from sepprune.training.learner import Learner
from sepprune.training.lessons import layer_inputs
from sepprune.training.mixtures import MixtureSettings
from sepprune.training.settings import OptimiserSettings, TrainingSettings
from sepprune.training.trainer import Trainer

LAYERS = ("network.*.norm", "norm")


def plan(*cuts: Cut, removals: tuple[Removal, ...] = ()) -> PruningPlan:
    return PruningPlan("Dense", "sepprune", {"macs": 0.5}, 0, (), cuts, removals=removals)


def separator(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_separator("skim", features=16, hidden=24, blocks=2, segment=10, memory=8)


def test_a_student_that_is_its_teacher_is_at_no_distance() -> None:
    dense = separator()
    hints = Hints(dense, plan(), LAYERS)
    with torch.no_grad(), layer_inputs(dense, hints.layers) as features:
        dense(torch.randn(2, 12800))
    assert set(features) == {"network.0.norm", "network.1.norm", "norm"}
    assert float(hints.distance(features, features)) == 0


@pytest.mark.parametrize(
    ("layer", "cut", "shape"),
    [
        (nn.LayerNorm(4), Cut("0.weight", 0, (0, 3)), (2, 5, 4)),
        (nn.Linear(4, 3), Cut("0.weight", 1, (0, 3)), (2, 5, 4)),
        (nn.LSTM(4, 3), Cut("0.weight_ih_l0", 1, (0, 3)), (2, 5, 4)),
        (nn.Conv1d(4, 3, 1), Cut("0.weight", 1, (0, 3)), (2, 4, 5)),
        (nn.ConvTranspose1d(4, 3, 1), Cut("0.weight", 0, (0, 3)), (2, 4, 5)),
        (nn.GroupNorm(1, 4), Cut("0.weight", 0, (0, 3)), (2, 4, 5)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, nn.Module) else "",
)
def test_the_channels_that_were_kept_are_compared(layer: nn.Module, cut: Cut, shape: tuple[int, ...]) -> None:
    dense = nn.Sequential(layer)
    hints = Hints(dense, plan(cut), ["0"])
    teacher = torch.randn(shape)
    with layer_inputs(dense, hints.layers) as lesson:
        dense(teacher)
    kept = teacher.index_select(shape.index(4), torch.tensor([0, 3]))
    assert float(hints.distance({"0": kept}, lesson)) == 0
    nothing = hints.distance(
        {"0": kept.mean([axis for axis, size in enumerate(shape) if size != 4], keepdim=True)}, lesson
    )
    assert float(nothing) == pytest.approx(1)  # features without variance explain none of the teacher's


def test_blocks_that_were_removed_are_not_compared() -> None:
    hints = Hints(separator(), plan(removals=(Removal("network.0", "project.bias", -1, True),)), LAYERS)
    assert set(hints.layers) == {"network.1.norm", "norm"}


def test_layers_are_only_watched_inside_the_block() -> None:
    dense = separator()
    with layer_inputs(dense, ["norm"]) as features:
        pass
    dense(torch.randn(1, 1280))
    assert not features


def test_a_student_with_hints_comes_nearer_to_its_teachers_features(tmp_path: Path, data_folder: Path) -> None:
    dense, mixture = separator(), torch.randn(2, 12800)
    cut = prune(dense, macs=0.6, method="l1").plan
    settings = TrainingSettings(
        str(tmp_path),
        str(data_folder),
        mixtures=MixtureSettings(seconds=0.8, batch=2),
        threads=1,
        hints=LAYERS,
        optimiser=OptimiserSettings(learning_rate=3e-3, warmup=5),
    )

    def distance_after_training(weight: float) -> float:
        hints, pruned = Hints(dense, cut, LAYERS), cut.apply(dense).requires_grad_()
        student = Learner(
            dataclasses.replace(settings, out=str(tmp_path / str(weight)), hint_weight=weight), pruned, hints=hints
        )
        Trainer(settings, [student], copy.deepcopy(dense)).run_updates(30)
        with (
            torch.no_grad(),
            layer_inputs(pruned, hints.layers) as features,
            layer_inputs(dense, hints.layers) as lesson,
        ):
            pruned(mixture)
            dense(mixture)
        return float(hints.distance(features, lesson))

    assert distance_after_training(10.0) < 0.8 * distance_after_training(0.0)


@pytest.mark.parametrize(
    ("layers", "sentence"),
    [
        (["netwerk.*"], r"`hints` names 'netwerk\.\*', which fits no layer of SkiM: its layers are encoder, "),
        (["network"], r"`hints` names network, which is ModuleList: name linear layers"),
    ],
)
def test_layers_that_cannot_be_compared_are_refused(layers: list[str], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        Hints(separator(), plan(), layers)

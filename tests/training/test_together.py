from pathlib import Path

import pytest
import torch

from sepprune import prune
from sepprune.data.corpus import Collection
from sepprune.ladders.hints import Hints
from sepprune.separators import build_separator
from sepprune.training.device_mixtures import DeviceMixtures
from sepprune.training.mixtures import MixtureSettings, load_sounds
from sepprune.training.settings import OptimiserSettings
from sepprune.training.together import Learner, Together

SETTINGS = OptimiserSettings(method="muon", learning_rate=3e-3, warmup=5, ema=0.5, frozen=("encoder", "decoder"))


@pytest.fixture
def mixtures(data_folder: Path) -> DeviceMixtures:
    settings = MixtureSettings(seconds=0.8, batch=4)
    torch.manual_seed(0)
    return DeviceMixtures(settings, load_sounds(Collection(data_folder), "train", settings))


def learner(seed: int = 0, imitation: float = 0.0, hidden: int = 16) -> Learner:
    torch.manual_seed(seed)
    return Learner(
        build_separator("skim", features=16, hidden=hidden, blocks=2, segment=50, memory=8), SETTINGS, imitation
    )


def train(together: Together, updates: int) -> None:
    together.prepare()
    left = iter(range(updates, -1, -1))
    for _ in together.run(lambda: next(left) / updates):
        pass


def test_a_separator_and_its_student_learn(mixtures: DeviceMixtures) -> None:
    together = Together(mixtures, learner(), [learner(1, imitation=0.5, hidden=8)])
    train(together, 20)
    first = [one.mean_loss() for one in (together.dense, *together.students)]
    train(together, 100)
    last = [one.mean_loss() for one in (together.dense, *together.students)]
    assert all(after < before - 0.5 for before, after in zip(first, last, strict=True))


def test_a_student_with_hints_comes_nearer_to_the_features_of_the_dense_one(mixtures: DeviceMixtures) -> None:
    layers = ("network.*.norm", "norm")

    def distance_after_training(weight: float) -> float:
        dense = learner()
        plan = prune(dense.separator, macs=0.6, method="l1").plan
        hints = Hints(dense.separator, plan, layers)
        student = Learner(plan.apply(dense.separator), SETTINGS, 0.5, hints, weight)
        train(Together(mixtures, dense, [student]), 40)
        mixture, _ = mixtures()
        with torch.no_grad():
            said, lesson = student.say(mixture, hints.layers), dense.say(mixture, hints.layers)
        return float(hints.distance(said.features, lesson.features))

    assert distance_after_training(10.0) < 0.8 * distance_after_training(0.0)


def test_a_student_takes_on_the_order_of_the_dense_one(mixtures: DeviceMixtures) -> None:
    together = Together(mixtures, learner(), [learner(1)])
    train(together, 200)
    mixture, _ = mixtures()
    dense, student = (one.estimates(mixture, "fp32").detach() for one in (together.dense, *together.students))
    straight = (dense - student).square().sum()
    assert straight < (dense - student.flip(1)).square().sum()


def test_training_ends_with_a_step_size_of_zero(mixtures: DeviceMixtures) -> None:
    together = Together(mixtures, learner())
    train(together, 7)
    assert together.updates == together.dense.updates == 7


def test_the_step_size_warms_up(mixtures: DeviceMixtures) -> None:
    one = learner()
    rates = []
    for _ in range(6):
        one.set_learning_rate(1.0)
        rates.append(float(one.optimiser.learning_rate))
    assert rates == pytest.approx([6e-4, 1.2e-3, 1.8e-3, 2.4e-3, 3e-3, 3e-3])


def test_frozen_weights_stay(mixtures: DeviceMixtures) -> None:
    together = Together(mixtures, learner())
    before = together.dense.separator.encoder.weight.clone()
    train(together, 3)
    assert torch.equal(together.dense.separator.encoder.weight, before)


def test_a_pass_gives_the_estimates_of_the_separator(mixtures: DeviceMixtures) -> None:
    one = learner()
    mixture, _ = mixtures()
    expected, _ = one.separator(mixture)
    torch.testing.assert_close(one.estimates(mixture, "fp32"), expected[..., one.separator.delay :])

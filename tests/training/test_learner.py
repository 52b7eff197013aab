import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from sepprune.errors import UserError
from sepprune.losses import ordered_snr_loss, pit_snr_loss
from sepprune.separators import build_separator
from sepprune.training.batches import training_batches
from sepprune.training.learner import Learner
from sepprune.training.lessons import TeacherOutput
from sepprune.training.settings import MixtureSettings, OptimiserSettings, TrainingSettings

SETTINGS = OptimiserSettings(learning_rate=3e-3, warmup=5)


@pytest.fixture
def settings(data_folder: Path, tmp_path: Path) -> TrainingSettings:
    mixtures = MixtureSettings(seconds=0.8, batch=2, partial_overlap=0)
    return TrainingSettings(str(tmp_path / "run"), str(data_folder), mixtures=mixtures, optimiser=SETTINGS)


def learner(settings: TrainingSettings, seed: int = 0, **changes: object) -> Learner:
    torch.manual_seed(seed)
    separator = build_separator("skim", features=16, hidden=16, blocks=1, segment=50, memory=8)
    return Learner(dataclasses.replace(settings, **changes), separator)


def update(one: Learner, mixture: Tensor, reference: Tensor, teacher: TeacherOutput | None = None) -> TeacherOutput:
    return one.learn(mixture, reference, torch.tensor(one.count(len(mixture), 1.0)), teacher)


@pytest.mark.parametrize("sources", [1, 3])
def test_a_separator_of_another_number_of_sources_is_refused(settings: TrainingSettings, sources: int) -> None:
    separator = build_separator("skim", features=16, hidden=16, blocks=1, segment=50, memory=8, sources=sources)
    with pytest.raises(UserError, match=f"has {sources} sources and mixtures have 2"):
        Learner(settings, separator)


def test_the_step_size_warms_up(settings: TrainingSettings) -> None:
    one = learner(settings)
    assert [one.count(2, 1.0) for _ in range(6)] == pytest.approx([6e-4, 1.2e-3, 1.8e-3, 2.4e-3, 3e-3, 3e-3])
    assert one.count(2, 0.5) == pytest.approx(1.5e-3)


def test_updates_and_hours_of_mixtures_are_counted(settings: TrainingSettings) -> None:
    one = learner(settings)
    for _ in range(3):
        one.count(2, 1.0)
    assert one.report["steps"] == 3 and one.report["audio_hours"] == pytest.approx(3 * 2 * 0.8 / 3600)


def test_an_update_lowers_the_loss_of_its_batch(settings: TrainingSettings) -> None:
    one, batch = learner(settings), training_batches(settings)[0]
    update(one, *batch)
    first = one.mean_loss()
    for _ in range(30):
        update(one, *batch)
    assert one.mean_loss() < first - 1


def test_what_an_update_returns_is_what_the_separator_said_before(settings: TrainingSettings) -> None:
    one, (mixture, reference) = learner(settings), training_batches(settings)[0]
    expected, _ = one.separator(mixture)
    said = one.learn(mixture, reference, torch.tensor(0.01), layers=["norm"])
    torch.testing.assert_close(said.estimates, expected[..., one.separator.delay :].detach())
    assert set(said.features) == {"norm"} and not said.features["norm"].requires_grad


def test_frozen_weights_stay(settings: TrainingSettings) -> None:
    frozen = dataclasses.replace(SETTINGS, frozen=("encoder", "decoder"))
    one = learner(settings, optimiser=frozen)
    before = one.separator.encoder.weight.clone()
    update(one, *training_batches(settings)[0])
    assert torch.equal(one.separator.encoder.weight, before)


def test_imitation_alone_needs_no_references(settings: TrainingSettings) -> None:
    one, teacher = learner(settings, imitation=1.0), learner(settings, seed=1, out=settings.out + "-teacher")
    mixture, reference = training_batches(settings)[0]
    with torch.no_grad():
        estimates = teacher.separator(mixture)[0][..., teacher.separator.delay :]
    for _ in range(2):
        update(one, mixture, torch.randn_like(reference), TeacherOutput(estimates))
    other = learner(settings, imitation=1.0, out=settings.out + "-other")
    for _ in range(2):
        update(other, mixture, reference, TeacherOutput(estimates))
    torch.testing.assert_close(one.separator.state_dict(), other.separator.state_dict())


@pytest.mark.parametrize("samples", [-64, 64])
def test_a_teacher_of_another_latency_is_imitated_where_both_have_samples(
    settings: TrainingSettings, samples: int
) -> None:
    mixture, reference = training_batches(settings)[0]
    one = learner(settings, imitation=1.0)
    estimates = one.learn(mixture, reference, torch.tensor(0.0)).estimates
    guide = torch.nn.functional.pad(reference, (0, 64))[..., : estimates.shape[-1] + samples]
    alone = one.mean_loss()
    one.learn(mixture, reference, torch.tensor(0.0), TeacherOutput(guide))
    length = min(estimates.shape[-1], guide.shape[-1])
    imitation = ordered_snr_loss(estimates[..., :length], guide[..., :length])
    assert one.mean_loss() - alone == pytest.approx(float(imitation), abs=1e-3)


def gradient_norms(one: Learner, mixtures: Tensor, references: Tensor) -> list[float]:
    """Norm of the gradient at the weights that each mixture contributes to the batch."""
    norms = []
    for mixture, reference in zip(mixtures, references, strict=True):
        one.learn(mixture[None], reference[None], torch.tensor(0.0))
        norms.append(float(torch.cat([weight.grad.flatten() for weight in one.optimiser.parameters]).norm()))
    return norms


def test_even_gradients_let_mixtures_of_one_voice_count_like_others(settings: TrainingSettings) -> None:
    both = training_batches(settings)[0]
    alone = training_batches(dataclasses.replace(settings, mixtures=dataclasses.replace(settings.mixtures, single=1.0)))
    mixtures, references = (torch.cat(pair) for pair in zip(both, alone[0], strict=True))

    def ratio(even: bool) -> float:
        one = learner(settings, out=f"{settings.out}-{even}", even_gradients=even)
        for number in range(60):  # by then one voice has a small error, and so a large gradient
            update(one, *alone[number])
        norms = gradient_norms(one, mixtures, references)
        return sum(norms[2:]) / sum(norms[:2])

    assert ratio(even=False) > 1.5 * ratio(even=True)
    assert 0.2 < ratio(even=True) < 5


def test_by_default_gradients_are_as_the_loss_has_them(settings: TrainingSettings) -> None:
    assert not settings.even_gradients


def test_a_lone_voice_is_right_on_the_output_on_which_it_starts(settings: TrainingSettings) -> None:
    mixture, reference = training_batches(settings)[0]
    estimate = learner(settings, out=settings.out + "-other").learn(mixture, reference, torch.tensor(0.0)).estimates
    start = estimate.shape[-1] // 4
    moved = torch.cat([estimate[:, 0, :start], estimate[:, 1, start:]], -1)
    voice = torch.stack([moved, torch.zeros_like(moved)], 1)
    one = learner(settings, settle_seconds=0.2)
    one.learn(mixture, voice, torch.tensor(0.0))
    assert one.mean_loss() == pytest.approx(float(ordered_snr_loss(estimate, voice)), abs=1e-3)
    assert one.mean_loss() > float(pit_snr_loss(estimate, voice)) + 0.1


@pytest.mark.parametrize("seconds", [-1.0, 60.0])
def test_a_time_to_settle_that_is_no_part_of_a_mixture_is_refused(settings: TrainingSettings, seconds: float) -> None:
    with pytest.raises(UserError, match=f"settle_seconds is {seconds:g}: expected 0, or a part of the"):
        learner(settings, settle_seconds=seconds)


def test_the_run_folder_has_the_settings_from_the_first_validation_on(settings: TrainingSettings) -> None:
    one = learner(settings)
    assert not Path(settings.out).exists()
    one.validate({"clean": (torch.randn(1, 8064), torch.randn(1, 2, 8064))})
    assert json.loads((Path(settings.out) / "settings.json").read_text())["mixtures"]["seconds"] == 0.8


def test_known_speakers_are_logged_and_do_not_count(settings: TrainingSettings) -> None:
    one, other = learner(settings), learner(settings, out=settings.out + "-other")
    clean, known = ((torch.randn(1, 8064), torch.randn(1, 2, 8064)) for _ in range(2))
    assert one.validate({"clean": clean, "known": known}) == other.validate({"clean": clean})
    log = (Path(settings.out) / "log.csv").read_text().splitlines()
    assert log[0].endswith("si_sdri_clean,si_sdri_known")


def test_a_checkpoint_of_an_older_version_is_refused(settings: TrainingSettings) -> None:
    one = learner(settings)
    Path(settings.out).mkdir()
    torch.save({"separator": one.separator.state_dict(), "steps": 3}, Path(settings.out) / "last.pt")
    with pytest.raises(UserError, match="was written by an older version: start a new run from its best.safetensors"):
        Learner(settings, one.separator, resume=True)

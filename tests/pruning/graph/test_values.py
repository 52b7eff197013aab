"""Numbers that follow from whole numbers, such as lengths: read on the example, and given again during the trace."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from sepprune.errors import UserError
from sepprune.pruning import Floor, analyze, prune
from sepprune.pruning.graph.trace import trace

MIXTURE = torch.randn(2, 640, generator=torch.Generator().manual_seed(0))
LENGTHS = torch.tensor([640, 600])


class Spectral(nn.Module):
    """Masks a spectrogram and returns to samples; ``samples`` gives the length from the lengths of the mixtures."""

    def __init__(self, samples: Callable[[Tensor], Tensor | int]) -> None:
        super().__init__()
        self.samples = samples
        self.first, self.last = nn.Conv1d(33, 24, 3, padding=1), nn.Conv1d(24, 33, 1)

    def forward(self, mixture: Tensor, lengths: Tensor | None = None) -> Tensor:
        if lengths is None:
            lengths = torch.full((len(mixture),), mixture.shape[-1])
        window = torch.hann_window(64)
        spectrum = torch.stft(mixture, 64, 32, window=window, return_complex=True)
        mask = torch.sigmoid(self.last(torch.relu(self.first(spectrum.abs()))))
        voices = [
            torch.istft(spectrum * part, 64, 32, window=window, length=self.samples(lengths))
            for part in (mask, 1 - mask)
        ]
        return torch.stack(voices, 1)


SAMPLES: dict[str, Callable[[Tensor], Tensor | int]] = {
    "a tensor": lambda lengths: lengths.max(),
    "an element": lambda lengths: lengths[0],
    "a number": lambda lengths: int(lengths.max()),
    "an item": lambda lengths: lengths.tolist()[0],
}


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("given", [False, True])
def test_the_length_of_an_inverse_transform_may_follow_from_a_tensor(name: str, given: bool) -> None:
    torch.manual_seed(0)
    result = prune(Spectral(SAMPLES[name]), (MIXTURE, LENGTHS) if given else MIXTURE, params=0.5, method="l2")
    assert [(group["id"], group["kept"] < group["channels"]) for group in result.report["groups"]] == [("first", True)]
    assert result.report["max_abs_difference"] < 1e-5


class Taken(nn.Module):
    """Numbers taken from tensors by other functions than transforms."""

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        most, least = lengths.max(), lengths.min()
        return (
            x[:, least:most].reshape(-1, most - least)
            + x.new_zeros(most - least)
            + x.narrow(1, least, 2).sum()
            + x[:, least, None]
        )


def test_slices_shapes_and_places_may_be_tensors() -> None:
    x, lengths = torch.rand(2, 9), torch.tensor([3, 7])
    found = trace(Taken(), (x, lengths))
    assert torch.equal(found.graph(x, lengths), Taken()(x, lengths))
    assert found.read == (1,)


def test_masks_are_learned_on_batches_of_any_lengths() -> None:
    torch.manual_seed(0)
    model = Spectral(SAMPLES["a tensor"])
    lengths = [torch.tensor([640, 600]), torch.tensor([500, 620])]
    data = [((MIXTURE, item), torch.randn(2, 2, int(item.max()))) for item in lengths]
    result = prune(model, (MIXTURE, lengths[0]), params=0.5, data=data, steps=4, floor=Floor(2))
    assert result.model(MIXTURE, lengths[1]).shape == (2, 2, 620)


class Overwritten(nn.Module):
    """A tensor of whole numbers whose values come to depend on the mixture."""

    def forward(self, mixture: Tensor) -> Tensor:
        count = torch.full((1,), mixture.shape[-1])
        count[0] = (mixture > 0).sum()
        return mixture[..., : int(count)]


def test_a_tensor_that_is_overwritten_with_other_values_is_no_constant() -> None:
    with pytest.raises(UserError, match="depends on values of a tensor"):
        analyze(nn.Sequential(nn.Linear(640, 640), Overwritten()), MIXTURE)

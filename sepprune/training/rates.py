"""Batches at the sample rate of the separator that learns from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from ..data.corpus import SAMPLE_RATE
from ..separators import CausalSeparator

#: ``mixture (batch, samples)`` and ``references (batch, sources, samples)``
Batch = tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Rate:
    """From the sample rate of data to that of a separator.

    Args:
        given: of the data, in hertz.
        wanted: of the separator, in hertz.
        hop: samples; results are whole hops.
    """

    given: int = SAMPLE_RATE
    wanted: int = SAMPLE_RATE
    hop: int = 1

    @classmethod
    def of(cls, separator: nn.Module | None, given: int = SAMPLE_RATE) -> Rate:
        """That of a causal separator; other modules take data as it is."""
        if not isinstance(separator, CausalSeparator):
            return cls(given, given)
        return cls(given, separator.sample_rate, separator.hop)

    @property
    def same(self) -> bool:
        """Whether nothing is to be done, whatever the length."""
        return self.given == self.wanted and self.hop == 1

    def samples(self, samples: int) -> int:
        """Length of the result for so many samples."""
        return round(samples * self.wanted / self.given) // self.hop * self.hop

    def of_batch(self, mixture: Tensor, references: Tensor) -> Batch:
        """A batch at the wanted rate."""
        return self(mixture), self(references)

    def __call__(self, signals: Tensor) -> Tensor:
        """Signals at the wanted rate, all frequencies that both rates have.

        Shape:
            - signals: ``(..., samples)``
        """
        if self.given == self.wanted:
            return signals[..., : self.samples(signals.shape[-1])]
        length = signals.shape[-1]
        wanted = round(length * self.wanted / self.given)
        spectrum = torch.fft.rfft(signals.float())
        kept = min(length, wanted) // 2  # without the highest frequency, which only one of the rates has as such
        spectrum = torch.nn.functional.pad(spectrum[..., :kept], (0, wanted // 2 + 1 - kept))
        result = torch.fft.irfft(spectrum, n=wanted) * (wanted / length)
        cut: Tensor = result[..., : self.samples(length)].contiguous()
        return cut


class AtRate(Dataset[Batch]):
    """Batches of another data set at a separator's rate.

    Args:
        data: batches by number.
        rate: of both.
    """

    def __init__(self, data: Dataset[Batch], rate: Rate) -> None:
        self.data, self.rate = data, rate

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]  # data sets of this program have lengths

    def __getitem__(self, index: int) -> Batch:
        return self.rate.of_batch(*self.data[index])


def at_rate(data: Dataset[Batch], rate: Rate) -> Dataset[Batch]:
    """A data set at a separator's rate."""
    return data if rate.same else AtRate(data, rate)


def rendered_at(render: Callable[..., Batch], rate: Rate) -> Callable[..., Batch]:
    """A function that renders batches, at a separator's rate."""

    def run(*tensors: Tensor) -> Batch:
        return rate.of_batch(*render(*tensors))

    return render if rate.same else run

"""Recordings and rooms as tensors, from which many are read at once."""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.corpus import Voices

#: samples of an impulse response that are used
RESPONSE = 17_920


class Ring(nn.Module):
    """Recordings, all of a speaker (or of a class of noise) in a ring.

    Args:
        voices: the recordings.
        doubled: keep twice as many samples a second, so that cubic interpolation between them is clean.
    """

    def __init__(self, voices: Voices, doubled: bool = False) -> None:
        super().__init__()
        self.factor = 2 if doubled else 1
        starts = torch.tensor([spans[0][0] for spans in voices.spans])
        stops = torch.tensor([spans[-1][1] for spans in voices.spans])
        samples = torch.from_numpy(np.array(voices.samples))
        self.count = len(starts)
        self.register_buffer("starts", self.factor * starts)
        self.register_buffer("lengths", self.factor * (stops - starts))
        self.register_buffer("samples", _doubled(samples) if doubled else samples)

    def read(self, which: Tensor, start: Tensor, length: int) -> Tensor:
        """``(*which.shape, length)`` samples, from ``start`` on and round the ring."""
        time = torch.arange(length, device=which.device)
        starts, lengths = self.starts[which].unsqueeze(-1), self.lengths[which].unsqueeze(-1)
        return self.samples[starts + (start.long().unsqueeze(-1) + time) % lengths].float() / 32768

    def played(self, which: Tensor, start: Tensor, factor: Tensor, length: int) -> Tensor:
        """As :meth:`read`, ``factor`` times as fast, between samples by cubic Lagrange interpolation."""
        time = torch.arange(length, device=which.device, dtype=torch.float64)
        position = start.double().unsqueeze(-1) + self.factor * factor.double().unsqueeze(-1) * time
        whole = position.floor()
        x = (position - whole).float()
        index = self.starts[which].unsqueeze(-1) + whole.long() % self.lengths[which].unsqueeze(-1)
        before, here, after, last = (
            self.samples[(index + shift).clamp(0, len(self.samples) - 1)].float() for shift in (-1, 0, 1, 2)
        )
        value = (
            -x * (x - 1) * (x - 2) / 6 * before
            + (x + 1) * (x - 1) * (x - 2) / 2 * here
            - (x + 1) * x * (x - 2) / 2 * after
            + (x + 1) * x * (x - 1) / 6 * last
        )
        return value / 32768


class Rooms(nn.Module):
    """Impulse responses by room."""

    def __init__(self, rooms: Voices) -> None:
        super().__init__()
        distinct = list(dict.fromkeys(rooms.spans))
        places = [span for spans in distinct for span in spans]
        responses = torch.zeros(len(places), RESPONSE)
        for row, (start, stop) in zip(responses, places, strict=True):
            stop = min(stop, start + RESPONSE)
            row[: stop - start] = torch.from_numpy(np.array(rooms.samples[start:stop])).float() / 32768
        first = np.cumsum([0] + [len(spans) for spans in distinct])
        number = {spans: index for index, spans in enumerate(distinct)}
        draws = torch.tensor([number[spans] for spans in rooms.spans])
        self.register_buffer("responses", responses)
        self.register_buffer("draws", draws)
        self.register_buffer("first", torch.from_numpy(first[:-1]))
        self.register_buffer("places", torch.from_numpy(np.diff(first)))

    def pairs(self, chance: Tensor) -> Tensor:
        """An impulse response for each of two voices: two places in one room, or two rooms that have one place.

        Shape:
            - chance: ``(4, count)``, between 0 and 1
            - responses: ``(count, 2, samples)``
        """
        room, other = ((chance[row] * len(self.draws)).long().clamp_max(len(self.draws) - 1) for row in (0, 1))
        room, other = self.draws[room], self.draws[other]
        places = self.places[room]
        one = torch.minimum((chance[2] * places).long(), places - 1)
        step = 1 + torch.minimum((chance[3] * (places - 1)).long(), (places - 2).clamp_min(0))
        second = torch.where(places > 1, self.first[room] + (one + step) % places, self.first[other])
        return self.responses[torch.stack([self.first[room] + one, second], 1)]


def alike(voices: Voices) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Speakers sorted by sex; for each where those alike begin in that order, how many they are, and its own rank."""
    sexes = [sex or f"?{speaker}" for speaker, sex in enumerate(voices.sexes or [""] * len(voices))]
    order = sorted(range(len(sexes)), key=lambda speaker: sexes[speaker])
    place = {speaker: index for index, speaker in enumerate(order)}
    start = torch.tensor(
        [place[min((other for other in range(len(sexes)) if sexes[other] == sex), key=place.get)] for sex in sexes]
    )
    size = torch.tensor([sexes.count(sex) for sex in sexes])
    rank = torch.tensor([place[speaker] for speaker in range(len(sexes))]) - start
    return torch.tensor(order), start, size, rank


def _doubled(samples: Tensor, piece: int = 1 << 24) -> Tensor:
    """Twice as many samples a second: each second one lies half way between its neighbours (windowed sinc)."""
    half = 16
    offsets = torch.arange(-half, half) + 0.5
    kernel = torch.sinc(offsets) * torch.cos(math.pi * offsets / (2 * half)).square()
    kernel = (kernel / kernel.sum()).view(1, 1, -1)
    padded, result = F.pad(samples, (half - 1, half)), torch.empty(len(samples), 2, dtype=torch.int16)
    result[:, 0] = samples
    for start in range(0, len(samples), piece):
        between = F.conv1d(padded[start : start + piece + 2 * half - 1].float().view(1, 1, -1), kernel).view(-1)
        result[start : start + len(between), 1] = between.round().clamp(-32768, 32767).to(torch.int16)
    return result.view(-1)

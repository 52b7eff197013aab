"""Dynamic mixing where the separators are: on a GPU that hears mixtures faster than processors can make them."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..data.corpus import SAMPLE_RATE
from .acoustics import EARLY, LATE_DB, UNEQUAL_DB, late_share
from .device_sounds import RESPONSE, Ring, Rooms, alike
from .formants import move_formants
from .mixtures import MixtureSettings, Sounds

_FADE = SAMPLE_RATE // 100


class DeviceMixtures(nn.Module):
    """Batches as :class:`~.mixtures.Mixtures` makes them, all at once and without a word to the host.

    Nothing depends on values, only on chance drawn on the device, and every batch takes the same steps: they can be
    captured as a CUDA graph. What differs from the mixer on the processor: a voice is a stretch of all that its
    speaker says, not of one utterance; rooms, noise and microphones come to a fixed number of each batch's mixtures,
    the share rounded; impulse responses end after 1.1 s; and batches cannot be made again from their number.

    Args:
        settings: what mixtures are like.
        sounds: what they are made of.

    Shape:
        - mixture: ``(batch, samples)``
        - references: ``(batch, 2, samples)``
    """

    def __init__(self, settings: MixtureSettings, sounds: Sounds) -> None:
        super().__init__()
        self.settings, self.batch, self.length = settings, settings.batch, settings.samples
        self.speech = Ring(sounds.speech, doubled=True)
        self.noise = Ring(sounds.noise) if settings.noise and sounds.noise else None
        self.rooms = Rooms(sounds.rooms) if settings.room and sounds.rooms else None
        order, start, size, rank = alike(sounds.speech)
        for name, value in {"order": order, "start": start, "size": size, "rank": rank}.items():
            self.register_buffer(name, value)
        # long enough that nothing wraps around into what is kept
        self.fft = 2 ** math.ceil(math.log2((self.length + RESPONSE) / 5)) * 5
        if self.fft / 5 * 4 >= self.length + RESPONSE:
            self.fft = self.fft // 5 * 4
        frequency = torch.fft.rfftfreq(self.fft, 1 / SAMPLE_RATE, dtype=torch.float64)
        self.register_buffer("frequency", frequency.float())
        self.register_buffer("late_share", torch.from_numpy(late_share(RESPONSE)))

    def _chance(self, *shape: int) -> Tensor:
        return torch.rand(shape, device=self.order.device)

    def _between(self, low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * self._chance(*shape)

    def _below(self, count: Tensor, *shape: int) -> Tensor:
        """Whole numbers from 0 to below ``count``, of its shape or of ``shape``."""
        return torch.minimum((self._chance(*(shape or count.shape)) * count).long(), count - 1)

    @torch.no_grad()
    def forward(self) -> tuple[Tensor, Tensor]:
        settings = self.settings
        voices = self._voices(self._speakers())
        if settings.voice_colour:
            each, rows = voices.flatten(0, 1), self._some(settings.voice_colour, 2 * self.batch)
            voices = each.index_copy(0, rows, self._coloured(each[rows].unsqueeze(1)).squeeze(1)).view_as(voices)
        half = settings.difference_db / 2
        difference = self._between(-half, half, self.batch, 1)
        voices = voices * _gains(voices, torch.cat([difference, -difference], 1)).unsqueeze(-1)
        references = voices * self._activity()
        heard = references
        if self.rooms is not None:
            rows = self._some(settings.room)
            inside, direct = self._reverberated(references[rows])
            heard = references.index_copy(0, rows, inside)
            references = references.index_copy(0, rows, direct)
        mixture = heard.sum(1)
        if self.noise is not None:
            rows = self._some(settings.noise)
            mixture = mixture.index_add(0, rows, self._noise(mixture[rows]))
        signals = torch.cat([mixture.unsqueeze(1), references], 1)
        if settings.colour:
            rows = self._some(settings.colour)
            signals = signals.index_copy(0, rows, self._coloured(signals[rows]))
        wanted = self._between(*settings.level_db, self.batch)
        gain = _gains(signals[:, 0], wanted)
        peak = signals[:, 0].abs().amax(1).clamp_min(1e-9)
        signals = signals * torch.minimum(gain, 0.99 / peak)[:, None, None]
        return self._clipped(signals[:, 0]), signals[:, 1:].contiguous()

    def _some(self, share: float, count: int | None = None) -> Tensor:
        """Which mixtures of the batch, or which of ``count``, something happens to: a fixed number of them."""
        count = count or self.batch
        return self._chance(count).argsort()[: max(1, round(share * count))]

    def _speakers(self) -> Tensor:
        """Two of them for each mixture, ``(batch, 2)``."""
        count = torch.full((self.batch,), self.speech.count, device=self.order.device)
        first = self._below(count)
        other = (first + 1 + self._below(count - 1)) % count
        size, start, rank = self.size[first], self.start[first], self.rank[first]
        alike = self.order[start + (rank + 1 + self._below((size - 1).clamp_min(1))) % size]
        same = (self._chance(self.batch) < self.settings.same_sex) & (size > 1)
        return torch.stack([first, torch.where(same, alike, other)], 1)

    def _voices(self, speakers: Tensor) -> Tensor:
        """``(batch, 2, samples)``, faster or slower than they were."""
        factor = self._between(1 - self.settings.speed, 1 + self.settings.speed, self.batch, 2)
        start = self._chance(self.batch, 2) * self.speech.lengths[speakers]
        voices = self.speech.played(speakers, start, factor, self.length)
        if not self.settings.formants:
            return voices
        moved = self._between(1 - self.settings.formants, 1 + self.settings.formants, 2 * self.batch)
        return move_formants(voices.flatten(0, 1), moved).view_as(voices)

    def _activity(self) -> Tensor:
        """When each voice speaks, ``(batch, 2, samples)``; see :func:`~.acoustics.activity`."""
        settings, batch, length = self.settings, self.batch, self.length
        time = torch.arange(length, device=self.order.device).expand(batch, length).contiguous()
        single, turns, partial = (
            self._chance(batch, 1) < share for share in (settings.single, settings.turns, settings.partial_overlap)
        )
        silent = self._between(1, max(2, length // 2), batch, 1)
        late = self._chance(batch, 1) < 0.5
        some = single | (partial & ~turns & torch.where(late, time < silent, time >= length - silent))
        someone = self._chance(batch, 1) < 0.5
        speaks = torch.stack([~(some & someone), ~(some & ~someone)], 1).float()
        if settings.turns:
            stretches = math.ceil(length / (0.3 * SAMPLE_RATE))
            until = (self._between(0.3, 2.0, batch, stretches) * SAMPLE_RATE).cumsum(1)
            chance = self._chance(batch, stretches)
            who = torch.stack([(chance < 0.35) | (chance >= 0.9), chance >= 0.35], 1)  # one, the other, both ...
            who = (who & ~((chance >= 0.7) & (chance < 0.8)).unsqueeze(1)).float()  # ... or nobody
            which = torch.searchsorted(until, time.float()).clamp_max(stretches - 1)
            turn = who.gather(2, which.unsqueeze(1).expand(batch, 2, length))
            speaks = torch.where((turns & ~single).unsqueeze(1), turn, speaks)
        faded = F.pad(speaks, (_FADE // 2, _FADE - _FADE // 2 - 1), mode="replicate")
        return F.avg_pool1d(faded, _FADE, 1)

    def _reverberated(self, voices: Tensor) -> tuple[Tensor, Tensor]:
        """Voices as a microphone in a room hears them, and what of it is direct or early; both as ``voices``."""
        responses = self.rooms.pairs(self._chance(4, len(voices)))
        if self.settings.moved:
            responses = self._moved(responses)
        early = responses.clone()
        early[..., EARLY:] = 0
        spectrum = torch.fft.rfft(voices, self.fft)
        heard, direct = (
            torch.fft.irfft(spectrum * torch.fft.rfft(response, self.fft), self.fft)[..., : self.length]
            for response in (responses, early)
        )
        return heard, direct

    def _moved(self, responses: Tensor) -> Tensor:
        """Some pairs of responses as if talkers sat elsewhere; see :func:`~.acoustics.moved`."""
        count = len(responses)
        late, unequal = self._between(*LATE_DB, count, 1), self._between(-UNEQUAL_DB, UNEQUAL_DB, count, 1) / 2
        gain = late.unsqueeze(2) * self.late_share + torch.cat([unequal, -unequal], 1).unsqueeze(2)
        some = self._chance(count, 1, 1) < self.settings.moved
        return torch.where(some, responses * 10 ** (gain / 20), responses)

    def _noise(self, mixture: Tensor) -> Tensor:
        """Noise for each of these mixtures, a quarter of it synthetic."""
        count = len(mixture)
        group = self._below(torch.full((count,), self.noise.count, device=mixture.device))
        recorded = self.noise.read(group, self._chance(count) * self.noise.lengths[group], self.length)
        spectrum = torch.fft.rfft(torch.randn(count, self.fft, device=mixture.device))
        slope = self._chance(count, 1)
        made = torch.fft.irfft(spectrum * self.frequency.clamp_min(50.0) ** -slope, self.fft)[..., : self.length]
        noise = torch.where(self._chance(count, 1) < 0.25, made, recorded)
        return noise * _gains(noise, _level(mixture) - self._between(*self.settings.snr_db, count)).unsqueeze(-1)

    def _coloured(self, signals: Tensor) -> Tensor:
        """All signals of a mixture through one microphone; see :func:`~.acoustics.coloured`."""
        count = len(signals)
        corner = self._between(math.log(300), math.log(4000), count, 1).exp()
        boost = 10 ** (self._between(-8.0, 8.0, count, 1) / 20)
        cut = self._between(20.0, 200.0, count, 1)
        # the bilinear transform maps s = j tan(w / 2)
        s = torch.tan(math.pi * self.frequency.clamp_max(0.4999 * SAMPLE_RATE) / SAMPLE_RATE)
        corner, cut = (torch.tan(math.pi * edge / SAMPLE_RATE) for edge in (corner, cut))
        s, corner, cut = s.expand(count, -1), corner.expand(-1, len(s)), cut.expand(-1, len(s))
        shelf = torch.complex(corner, boost * s) / torch.complex(corner, s)
        response = shelf * torch.complex(torch.zeros_like(s), s) / torch.complex(cut, s)
        spectrum = torch.fft.rfft(signals, self.fft) * response.unsqueeze(1)
        return torch.fft.irfft(spectrum, self.fft)[..., : self.length]

    def _clipped(self, mixture: Tensor) -> Tensor:
        """One mixture of the batch clipped, as often as the settings' share asks for."""
        if not self.settings.clip:
            return mixture
        first = mixture[:1]  # mixtures are in no order
        ranked = first.abs().sort(1).values
        share = self._between(0.0005, 0.01, 1, 1)
        limit = ranked.gather(1, ((1 - share) * (self.length - 1)).long())
        clip = self._chance(1, 1) < min(1.0, self.settings.clip * self.batch)
        return torch.cat([torch.where(clip, torch.minimum(torch.maximum(first, -limit), limit), first), mixture[1:]])


def _level(signals: Tensor) -> Tensor:
    """Root mean square in dB re full scale."""
    return 10 * torch.log10(signals.square().mean(-1) + 1e-10)


def _gains(signals: Tensor, levels_db: Tensor) -> Tensor:
    """Factors that bring signals to their levels; a silent one stays silent."""
    now = _level(signals)
    return 10 ** ((levels_db - now) / 20) * (now > -90)

"""Scores of separated speech: SI-SDR and SDR improvement, leakage into silence, swapped voices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .data.mixtures import MixtureFiles
from .intervals import mean_interval
from .perception import check, perceived
from .streaming import Ladder, StreamingSeparator
from .streaming.files import read_mono, separate_signal

#: one signal, ``(samples,)``, or several, ``(rows, samples)``; float32 or float64
Signals = NDArray[np.floating[Any]]
#: mean power below which a reference counts as silent: -80 dB re full scale
SILENCE = 1e-8
#: swaps are counted in files longer than :data:`LONG`, in blocks of :data:`BLOCK`; seconds
LONG, BLOCK = 20.0, 2.0


def score(
    estimates: Signals, references: Signals, mixture: Signals, sample_rate: int, extras: Sequence[str] = ()
) -> dict[str, Any]:
    """Scores of one mixture, in dB.

    If no reference is silent: ``si_sdr`` and ``sdr`` (means over the sources, in the order with the best mean SI-SDR),
    ``input_si_sdr``, ``si_sdri``, ``sdri``, the scores named by ``extras``, and ``swaps`` in long mixtures. If one is
    silent: ``active_si_sdr`` of the others and ``leak_db``, the power of the remaining outputs relative to theirs. If
    all are silent: nothing.

    Args:
        estimates: output of the separator.
        references: the sources.
        mixture: input of the separator.
        sample_rate: in hertz.
        extras: names of :mod:`~sepprune.perception`.

    Shape:
        - estimates, references: ``(sources, samples)``; mixture: ``(samples,)``
    """
    active = [index for index, reference in enumerate(references) if _power(reference) > SILENCE]
    if not active:
        return {}
    table = _si_sdr(estimates, references[active])
    order = _best_order(table)
    if len(active) < len(references):
        silent = [index for index in range(len(estimates)) if index not in order]
        leak = _power(estimates[silent]) * len(silent) / max(_power(estimates[list(order)]) * len(order), 1e-20)
        return {"active_si_sdr": _mean(table[order, range(len(active))]), "leak_db": 10 * math.log10(max(leak, 1e-12))}
    before = np.repeat(mixture[np.newaxis], len(references), axis=0)
    si_sdr, input_si_sdr = _mean(table[order, range(len(active))]), _mean(np.diag(_si_sdr(before, references)))
    sdr, input_sdr = _sdr(estimates[list(order)], references), _sdr(before, references)
    scores = {
        "si_sdr": si_sdr,
        "input_si_sdr": input_si_sdr,
        "si_sdri": si_sdr - input_si_sdr,
        "sdr": sdr,
        "sdri": sdr - input_sdr,
        **{name: perceived(name, estimates[list(order)], references, sample_rate) for name in extras},
    }
    if len(mixture) > LONG * sample_rate:
        scores["swaps"] = _swaps(estimates, references, order, round(BLOCK * sample_rate))
    return scores


def evaluate(
    ladder: Ladder,
    mixtures: Sequence[MixtureFiles],
    levels: Iterable[int],
    offline: bool = False,
    chunk_ms: float = 8.0,
    backend: str = "auto",
    precision: str = "fp32",
    extras: Sequence[str] = (),
    gain_db: float = 0.0,
    advance: Callable[[], None] = lambda: None,
    speakers: Sequence[frozenset[str]] | None = None,
) -> list[dict[str, Any]]:
    """Separate every mixture with every level and score the results.

    Args:
        ladder: the levels.
        mixtures: from :func:`sepprune.data.mixtures.find`.
        levels: level numbers.
        offline: one batch forward through torch instead of a stream.
        chunk_ms, backend, precision: of the stream; fp32 by default, so that scores are the same on every machine.
        extras: names of :mod:`~sepprune.perception`.
        gain_db: by which mixtures are made louder before they are separated, and the sources quieter afterwards, in dB.
        advance: called after each mixture, for a progress bar.
        speakers: of each mixture, from :func:`sepprune.data.speakers.speakers_of`, for the interval.

    Returns:
        One dictionary per level: its facts, the mean scores, the highest ``leak_db`` of all mixtures, the 95 %
        confidence interval of the mean SI-SDR improvement (see :func:`~sepprune.intervals.mean_interval`), and
        ``per_file``: the scores of every mixture, ``seconds`` that were scored, ``left_out_s`` by which a file of the
        mixture is longer than another one, and ``not_finite``, the samples that were taken as zero.
    """
    check(extras)
    gain, reports = np.float32(10 ** (gain_db / 20)), []
    for number in levels:
        level, separate, close = ladder[number], *_separator(ladder, number, offline, (chunk_ms, backend, precision))
        files = []
        for entry in mixtures:
            signals, bad = zip(*(read_mono(path, ladder.sample_rate) for path in entry.paths), strict=True)
            length, longest = min(map(len, signals)), max(map(len, signals))
            mixture, *references = (signal[:length] for signal in signals)
            estimates = separate(gain * mixture) / gain
            files.append(
                {
                    "name": entry.name,
                    "seconds": length / ladder.sample_rate,
                    "left_out_s": (longest - length) / ladder.sample_rate,
                    "not_finite": sum(bad),
                    **score(estimates, np.stack(references), mixture, ladder.sample_rate, extras),
                }
            )
            advance()
        close()
        means = {
            key: _mean(values) if (values := [file[key] for file in files if key in file]) else None
            for key in ("si_sdri", "sdri", "input_si_sdr", "active_si_sdr", "leak_db", *extras)
        }
        swaps = [file["swaps"] for file in files if "swaps" in file]
        leaks = [file["leak_db"] for file in files if "leak_db" in file]
        scored = [index for index, file in enumerate(files) if "si_sdri" in file]
        interval = mean_interval(
            [files[index]["si_sdri"] for index in scored], speakers and [speakers[index] for index in scored]
        )
        reports.append(
            {
                "level": number,
                "params": level.params,
                "macs_per_second": level.macs_per_second,
                **means,
                "worst_leak_db": max(leaks, default=None),
                "si_sdri_ci95": interval and list(interval),
                "swaps": sum(swaps) if swaps else None,
                "per_file": files,
            }
        )
    return reports


def _separator(
    ladder: Ladder,
    level: int,
    offline: bool,
    stream_settings: tuple[float, str, str],
) -> tuple[Callable[[Signals], Signals], Callable[[], None]]:
    if not offline:
        stream = StreamingSeparator(ladder, level, *stream_settings)
        return lambda mixture: separate_signal(stream, mixture)[0], stream.close

    import torch

    module = ladder.build(level)

    def separate(mixture: Signals) -> Signals:
        hops = -(-(len(mixture) + ladder.delay) // ladder.hop)
        padded = torch.zeros(1, hops * ladder.hop)
        padded[0, : len(mixture)] = torch.from_numpy(mixture)
        with torch.inference_mode():
            sources: Signals = module(padded)[0][0, :, ladder.delay : ladder.delay + len(mixture)].numpy()
        return sources

    return separate, lambda: None


def _si_sdr(estimates: Signals, references: Signals) -> Signals:
    """SI-SDR of every estimate against every reference, zero mean, ``(estimates, references)``."""
    import torch
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    shape = len(estimates), len(references), estimates.shape[-1]
    table: NDArray[np.float64] = scale_invariant_signal_distortion_ratio(
        torch.from_numpy(estimates)[:, None].double().expand(shape),
        torch.from_numpy(references)[None].double().expand(shape),
        zero_mean=True,
    ).numpy()
    return table


def _sdr(estimates: Signals, references: Signals) -> float:
    """Mean SDR of BSS Eval, which allows a filter of 512 taps between reference and estimate."""
    import torch
    from torchmetrics.functional.audio import signal_distortion_ratio

    return _mean(signal_distortion_ratio(torch.tensor(estimates), torch.tensor(references)).numpy())


def _best_order(table: Signals) -> tuple[int, ...]:
    """The estimate of each reference, in the order with the best mean score."""
    columns = range(table.shape[1])
    return max(itertools.permutations(range(len(table)), len(columns)), key=lambda order: table[order, columns].sum())


def _swaps(estimates: Signals, references: Signals, order: tuple[int, ...], block: int) -> int:
    """Number of blocks in which no reference is silent and the best order is not that of the whole file."""
    count = 0
    for start in range(0, references.shape[1] - block + 1, block):
        here = references[:, start : start + block]
        if min(_power(reference) for reference in here) > 100 * SILENCE:
            count += _best_order(_si_sdr(estimates[:, start : start + block], here)) != order
    return count


def _power(signal: Signals) -> float:
    return float(np.mean(np.square(signal, dtype=np.float64)))


def _mean(values: Any) -> float:
    return float(np.mean(values))

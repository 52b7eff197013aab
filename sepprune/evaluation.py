"""Scores of separated speech: SI-SDR and SDR improvement, leakage into silence, swapped voices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .errors import UserError
from .perception import check, perceived
from .streaming import Ladder, StreamingSeparator
from .streaming.files import read_mono, separate_signal

#: folders of mixtures, in the order in which they are looked for: our own, LibriMix's, WHAM!'s
MIXTURE_FOLDERS = ("mix", "mix_both", "mix_both_min", "mix_clean", "mix_clean_min")
#: mean power under which a reference is silent: -80 dB re full scale
SILENCE = 1e-8
#: files longer than this are searched for swaps, in blocks of the second length; seconds
LONG, BLOCK = 20.0, 2.0


@dataclass(frozen=True)
class Mixture:
    """A mixture and its references, as files."""

    name: str
    mixture: Path
    references: tuple[Path, ...]


def find_mixtures(folder: Path) -> list[Mixture]:
    """The mixtures of a test folder, ordered by name.

    Raises:
        UserError: the folder has no mixtures, or a mixture lacks a reference.
    """
    place = next((folder / name for name in MIXTURE_FOLDERS if (folder / name).is_dir()), None)
    references = sorted(part for part in folder.glob("s[0-9]") if part.is_dir())
    if place is None or len(references) < 2:
        raise UserError(
            f"{folder} is no test folder: expected {' or '.join(MIXTURE_FOLDERS[:-1])} beside s1 and s2, "
            "with equally named WAV or FLAC files"
        )
    files = sorted(path for path in place.iterdir() if path.suffix.lower() in (".wav", ".flac"))
    if not files:
        raise UserError(f"{place} holds no WAV or FLAC files: give a folder with mixtures")
    for path in files:
        for reference in references:
            if not (reference / path.name).is_file():
                raise UserError(f"the mixture {path} has no reference {reference / path.name}: complete the folder")
    return [Mixture(path.stem, path, tuple(reference / path.name for reference in references)) for path in files]


def score(
    estimates: np.ndarray, references: np.ndarray, mixture: np.ndarray, sample_rate: int, extras: Sequence[str] = ()
) -> dict[str, Any]:
    """Scores of one mixture, in dB.

    Where every reference speaks: ``si_sdr``, ``sdr`` (mean over the voices, permutation of the best mean SI-SDR),
    ``input_si_sdr``, ``si_sdri``, ``sdri``, and ``swaps`` in long mixtures. Where one is silent: ``active_si_sdr``
    of the voices that speak and ``leak_db``, the power of the other outputs against theirs. ``extras`` are names of
    :mod:`~sepprune.perception`, scored where every reference speaks.

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
    mixtures: Sequence[Mixture],
    levels: Iterable[int],
    offline: bool = False,
    chunk_ms: float = 8.0,
    backend: str = "auto",
    precision: str = "fp32",
    extras: Sequence[str] = (),
    advance: Callable[[], None] = lambda: None,
) -> list[dict[str, Any]]:
    """Put every mixture through every level and score what comes out.

    Args:
        ladder: the levels.
        mixtures: from :func:`find_mixtures`.
        levels: level numbers.
        offline: one batch forward through torch instead of a stream.
        chunk_ms, backend, precision: of the stream; fp32 unless asked, so that scores are the same everywhere.
        extras: names of :mod:`~sepprune.perception`.
        advance: called after each mixture, for a progress bar.

    Returns:
        One object a level: its facts, the means, the 95 % interval of the SI-SDR improvement, and ``per_file``.
    """
    check(extras)
    reports = []
    for number in levels:
        level, separate, close = ladder[number], *_separator(ladder, number, offline, (chunk_ms, backend, precision))
        files = []
        for entry in mixtures:
            signals = [read_mono(path, ladder.sample_rate)[0] for path in (entry.mixture, *entry.references)]
            length = min(map(len, signals))
            mixture, *references = (signal[:length] for signal in signals)
            estimates = separate(mixture)
            files.append(
                {
                    "name": entry.name,
                    "seconds": length / ladder.sample_rate,
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
        reports.append(
            {
                "level": number,
                "params": level.params,
                "macs_per_second": level.macs_per_second,
                **means,
                "si_sdri_ci95": _interval([file["si_sdri"] for file in files if "si_sdri" in file]),
                "swaps": sum(swaps) if swaps else None,
                "per_file": files,
            }
        )
    return reports


def _separator(
    ladder: Ladder,
    level: int,
    offline: bool,
    how: tuple[float, str, str],
) -> tuple[Callable[[np.ndarray], np.ndarray], Callable[[], None]]:
    if not offline:
        stream = StreamingSeparator(ladder, level, *how)
        return lambda mixture: separate_signal(stream, mixture)[0], stream.close

    import torch

    module = ladder.build(level)

    def separate(mixture: np.ndarray) -> np.ndarray:
        hops = -(-(len(mixture) + ladder.delay) // ladder.hop)
        padded = torch.zeros(1, hops * ladder.hop)
        padded[0, : len(mixture)] = torch.from_numpy(mixture)
        with torch.inference_mode():
            return module(padded)[0][0, :, ladder.delay : ladder.delay + len(mixture)].numpy()

    return separate, lambda: None


def _si_sdr(estimates: np.ndarray, references: np.ndarray) -> np.ndarray:
    """SI-SDR of every estimate against every reference, zero mean, ``(estimates, references)``."""
    import torch
    from torchmetrics.functional.audio import scale_invariant_signal_distortion_ratio

    shape = len(estimates), len(references), estimates.shape[-1]
    return scale_invariant_signal_distortion_ratio(
        torch.from_numpy(estimates)[:, None].double().expand(shape),
        torch.from_numpy(references)[None].double().expand(shape),
        zero_mean=True,
    ).numpy()


def _sdr(estimates: np.ndarray, references: np.ndarray) -> float:
    """Mean SDR of BSS Eval, whose references may pass a filter of 512 taps."""
    import torch
    from torchmetrics.functional.audio import signal_distortion_ratio

    return _mean(signal_distortion_ratio(torch.tensor(estimates), torch.tensor(references)).numpy())


def _best_order(table: np.ndarray) -> tuple[int, ...]:
    """Which estimate belongs to each reference, by the best mean."""
    columns = range(table.shape[1])
    return max(itertools.permutations(range(len(table)), len(columns)), key=lambda order: table[order, columns].sum())


def _swaps(estimates: np.ndarray, references: np.ndarray, order: tuple[int, ...], block: int) -> int:
    """Blocks in which every voice speaks and another order than the whole file's is best."""
    count = 0
    for start in range(0, references.shape[1] - block + 1, block):
        here = references[:, start : start + block]
        if min(_power(reference) for reference in here) > 100 * SILENCE:
            count += _best_order(_si_sdr(estimates[:, start : start + block], here)) != order
    return count


def _interval(values: list[float]) -> list[float] | None:
    """95 % interval of the mean by Student's t, ``None`` for fewer than two values."""
    from scipy.stats import t

    if len(values) < 2:
        return None
    half = float(t.ppf(0.975, len(values) - 1)) * float(np.std(values, ddof=1)) / math.sqrt(len(values))
    return [_mean(values) - half, _mean(values) + half]


def _power(signal: np.ndarray) -> float:
    return float(np.mean(np.square(signal, dtype=np.float64)))


def _mean(values: Any) -> float:
    return float(np.mean(values))

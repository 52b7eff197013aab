"""Intervals hold the truth as often as they say; drift and two modes are found where they are, and nowhere else."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from sepprune.bench.statistics import bimodal, drift, parts, percentile_interval, rate_upper, ratio

RUNS = 200
Draw = Callable[[np.random.Generator, int], np.ndarray]
LAWS: dict[str, tuple[Draw, Callable[[float], float]]] = {
    "lognormal": (lambda random, count: random.lognormal(0, 0.4, count), lambda share: stats.lognorm.ppf(share, 0.4)),
    "heavy tail": (lambda random, count: random.pareto(2, count), lambda share: stats.lomax.ppf(share, 2)),
    "exponential": (lambda random, count: random.exponential(1, count), lambda share: stats.expon.ppf(share)),
}


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize(("share", "chunks"), [(0.99, 750), (0.95, 100)])
def test_the_true_percentile_is_inside_its_interval_in_95_percent_of_runs(law: str, share: float, chunks: int) -> None:
    draw, quantile = LAWS[law]
    random = np.random.default_rng(2)
    found = [percentile_interval(draw(random, chunks), share) for _ in range(RUNS)]
    assert sum(one is not None and one[0] <= quantile(share) <= one[1] for one in found) >= 0.95 * RUNS


@pytest.mark.parametrize(("share", "least"), [(0.95, 72), (0.99, 368)])
def test_a_percentile_has_no_interval_with_too_few_chunks(share: float, least: int) -> None:
    values = np.arange(1.0, least + 1)
    assert percentile_interval(values, share) is not None
    assert percentile_interval(values[1:], share) is None


def test_the_interval_agrees_with_that_of_scipy() -> None:
    values = np.random.default_rng(0).exponential(1, 2500)
    low, high = stats.quantile_test(values, p=0.99).confidence_interval()
    found = percentile_interval(values, 0.99)
    assert found is not None
    assert found[0] == pytest.approx(low, rel=0.02) and found[1] == pytest.approx(high, rel=0.02)


def test_no_miss_in_n_chunks_bounds_the_rate_by_three_over_n() -> None:
    assert rate_upper(0, 7500) == 3 / 7500
    assert rate_upper(0, 2) == 1.0


@pytest.mark.parametrize(("misses", "chunks"), [(1, 3000), (40, 100)])
def test_the_bound_of_seen_misses_is_clopper_and_pearsons(misses: int, chunks: int) -> None:
    exact = stats.binomtest(misses, chunks, alternative="less").proportion_ci(0.95, method="exact").high
    assert rate_upper(misses, chunks) == pytest.approx(exact)


def test_where_all_were_missed_the_rate_may_be_one() -> None:
    assert rate_upper(5, 5) == 1.0


@pytest.mark.parametrize("rate", [0.0005, 0.001, 0.005, 0.02])
def test_the_true_miss_rate_is_below_its_bound_with_a_probability_of_95_percent(rate: float) -> None:
    counts = [count for count in range(120) if rate <= rate_upper(count, 3000)]
    assert stats.binom.pmf(counts, 3000, rate).sum() >= 0.95


def test_the_true_ratio_is_inside_its_interval_in_95_percent_of_runs() -> None:
    random = np.random.default_rng(3)
    inside = 0
    for _ in range(RUNS):
        found = ratio(random.normal(0, 0.02, 9), random.normal(math.log(1.05), 0.05, 9))
        assert found is not None
        inside += found.low <= 1.05 <= found.high
    assert inside >= 0.95 * RUNS


def test_a_ratio_of_few_units_is_not_stated() -> None:
    assert ratio([0.0, 0.1], [0.0, 0.1, 0.2]) is None


def test_a_ratio_without_any_spread_is_exact() -> None:
    found = ratio([0.0] * 3, [math.log(2)] * 3)
    assert found is not None and (found.low, found.high) == pytest.approx((2, 2))


def test_parts_are_medians_of_whole_consecutive_blocks() -> None:
    blocks = [np.full(4, value) for value in (1.0, 1.0, 2.0, 2.0)]
    assert parts(blocks, 2) == pytest.approx([0.0, math.log(2)])
    assert len(parts(blocks)) == 4 and parts([]) == []


def test_a_drift_is_found_with_its_size() -> None:
    random = np.random.default_rng(4)
    found = drift([math.log(1 + 0.2 * (part + 0.5) / 10) + random.normal(0, 0.005) for part in range(10)])
    assert found is not None and found.low < 1.2 < found.high and found.low > 1.1


def test_the_interval_of_a_drift_holds_no_drift_in_95_percent_of_steady_runs() -> None:
    random = np.random.default_rng(5)
    found = [drift(random.normal(0, 0.03, 10)) for _ in range(RUNS)]
    assert sum(one is not None and one.low <= 1 <= one.high for one in found) >= 0.94 * RUNS


def test_a_drift_needs_five_parts() -> None:
    assert drift([0.0, 0.1, 0.2, 0.3]) is None


@pytest.mark.parametrize("law", [*LAWS, "normal", "rare outliers"])
def test_one_mode_is_not_taken_for_two_however_long_its_tail(law: str) -> None:
    random = np.random.default_rng(6)
    others: dict[str, Draw] = {
        "normal": lambda random, count: random.normal(1, 0.05, count),
        "rare outliers": lambda random, count: np.where(
            random.random(count) < 0.03, 5.0, random.normal(1, 0.05, count)
        ),
    }
    draw = others[law] if law in others else LAWS[law][0]
    assert sum(bimodal(np.abs(draw(random, 1000)) + 0.2) for _ in range(50)) == 0


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_two_modes_are_found(share: float) -> None:
    random = np.random.default_rng(7)
    for _ in range(50):
        assert bimodal(np.where(random.random(750) < share, 1.0, 1.5) * random.lognormal(0, 0.05, 750))


def test_few_or_equal_times_have_no_two_modes() -> None:
    assert not bimodal(np.array([1.0, 2.0] * 10))
    assert not bimodal(np.ones(500))

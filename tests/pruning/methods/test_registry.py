"""The table of methods, and methods that users bring."""

from __future__ import annotations

import numpy as np
import pytest

from sepprune.errors import UserError
from sepprune.pruning import METHODS, Choice, Ranking, Task, prune
from sepprune.pruning.methods.registry import REGISTRY, WITHOUT_DATA, method_for
from sepprune.pruning.methods.sepprune_threshold import SepPruneThreshold
from tests.pruning.small_separators import MIXTURE, build


class First(Ranking):
    """Keeps the first channels of every group."""

    name = "first"

    def scores(self, task: Task) -> np.ndarray:
        return np.concatenate([-np.arange(size, dtype=float) / size for size in task.structure.sizes])


class Whole:
    """Keeps everything, and is related to no class of the product."""

    name = "whole"
    needs_data = False

    def choose(self, task: Task) -> Choice:
        return Choice(np.zeros(task.channels), np.ones(task.channels, dtype=bool))


def test_the_names_are_those_that_commands_and_plans_use() -> None:
    assert METHODS == ("sepprune", "random", "l1", "l2", "taylor", "fpgm", "hrank", "lamp")
    assert WITHOUT_DATA == ("random", "l1", "l2", "fpgm", "lamp")
    assert all(method.name == name for name, method in REGISTRY.items())


def test_a_ranking_of_ones_own_prunes_to_the_budget() -> None:
    result = prune(build("dual path"), MIXTURE, macs=0.6, method=First())
    assert result.report["method"] == result.plan.method == "first"
    assert result.report["macs_after"] <= 0.6 * result.report["macs_before"]
    assert all(group.keep == tuple(range(len(group.keep))) for group in result.plan.groups)


def test_any_object_with_the_attributes_of_a_method_is_one() -> None:
    report = prune(build("dual path"), MIXTURE, macs=0.6, method=Whole()).report
    assert report["params_after"] == report["params_before"]


def test_a_threshold_selects_the_published_method() -> None:
    assert method_for("sepprune", 0.7) == SepPruneThreshold(0.7)


def test_a_threshold_for_a_method_of_ones_own_is_refused() -> None:
    with pytest.raises(UserError, match="first needs a budget"):
        prune(build("dual path"), MIXTURE, threshold=0.7, method=First())

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from calibration.int8.decisions import compare
from calibration.int8.search import search
from onboard.errors import InputError

BEFORE = np.linspace(-2, 2, 200)
NODES = [f"layer{number}" for number in range(10)]


def test_a_shift_of_all_scores_changes_no_decision_and_another_order_does() -> None:
    assert [one.changed for one in compare(BEFORE, 2 * BEFORE + 1)] == [0, 0, 0]
    swapped = BEFORE.copy()
    swapped[[0, 1, 150, 151]] = swapped[[150, 151, 0, 1]]
    coarse, fine, finest = compare(BEFORE, swapped)
    assert (coarse.alarms, coarse.changed, coarse.allowed, coarse.holds) == (20, 4, 2, False)
    assert (fine.alarms, fine.changed, fine.allowed, fine.holds) == (2, 4, 0, False)
    assert (finest.alarms, finest.changed, finest.holds) == (0, 0, True)  # 200 frames do not show it


def logits_with(spoiling: dict[str, float]) -> Callable[[Sequence[str]], np.ndarray]:
    """A graph's logits: each of some layers in int8 adds noise of its own."""

    def logits(nodes: Sequence[str]) -> np.ndarray:
        after = BEFORE.copy()
        for node in set(nodes) & set(spoiling):
            after += np.random.default_rng(NODES.index(node)).normal(0, spoiling[node], len(BEFORE))
        return after

    return logits


def test_a_change_too_small_for_the_spread_is_still_a_changed_decision() -> None:
    def logits(nodes: Sequence[str]) -> np.ndarray:
        after = BEFORE.copy()
        if "layer5" in nodes:
            after[[1, 2]] = after[[2, 1]]  # two alarms of 200 frames at 1e-2, one of them another
        return after

    assert search(NODES, logits, BEFORE, "graph").kept == ["layer5"]


def test_only_what_the_budget_takes_stays_in_float() -> None:
    found = search(NODES, logits_with({"layer3": 1.0, "layer7": 0.5, "layer2": 1e-4}), BEFORE, "graph")
    assert found.kept == ["layer3", "layer7"] and all(one.holds for one in found.decisions)
    assert list(found.sensitivity)[:3] == ["layer3", "layer7", "layer2"]
    with pytest.raises(InputError, match="however few layers"):
        search(NODES, logits_with(dict.fromkeys(NODES, 1.0)), BEFORE, "graph")

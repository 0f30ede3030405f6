"""The most sensitive layers stay in float, as many as the budget takes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from calibration.int8.decisions import Decisions, Logits, compare
from onboard.errors import InputError

# Few frames show little of fine false-alarm rates: this share of the logits' own spread stands in for them.
NOISE = 0.25
LogitsWith = Callable[[Sequence[str]], Logits]


@dataclass(frozen=True)
class Found:
    """What the search ended with.

    Attributes:
        nodes: that became int8.
        kept: nodes that were left in float for the budget, the most sensitive first.
        sensitivity: mean change of the logit with this node alone in int8, the most sensitive first.
        decisions: with these nodes in int8.
        logits: with these nodes in int8.
    """

    nodes: list[str]
    kept: list[str]
    sensitivity: dict[str, float]
    decisions: list[Decisions]
    logits: Logits


def search(nodes: Sequence[str], logits_with: LogitsWith, before: Logits, name: object) -> Found:
    """Quantise all nodes, then fewer, until the decisions hold, and the logits keep their spread.

    Args:
        nodes: that may become int8, at least one.
        logits_with: the logits on the normal frames that were kept back, with some of the nodes in int8.
        before: those of the float graph.
        name: what an error calls the graph.

    Raises:
        InputError: neither holds for any part of the nodes.
    """
    alone = {}
    for node in tqdm(nodes, desc="one layer at a time", unit="layer", disable=None, leave=False):
        alone[node] = float(np.abs(logits_with([node]) - before).mean())
    order = sorted(nodes, key=lambda node: (-alone[node], node))
    sensitivity = {node: alone[node] for node in order}
    step = max(1, len(order) // 20)
    for count in tqdm(range(0, len(order), step), desc="fewer layers", unit="try", disable=None, leave=False):
        left = set(order[:count])
        tried = [node for node in nodes if node not in left]
        after = logits_with(tried)
        decisions = compare(before, after)
        if all(one.holds for one in decisions) and np.std(after - before) <= NOISE * np.std(before):
            return Found(tried, order[:count], sensitivity, decisions, after)
    raise InputError(
        f"{name}: however few layers are quantised, more alarm decisions change than a tenth of the false-alarm rate, "
        f"or the logits move by more than {NOISE:g} of their spread; fly the float graph, try another --method, "
        "or keep more frames back (of few, none may change)"
    )

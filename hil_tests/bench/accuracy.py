"""How well debris is told apart, where the data has labels."""

from collections.abc import Sequence

import numpy as np


def auroc(scores: Sequence[float], labels: Sequence[bool]) -> float | None:
    """The chance that debris scores higher than a satellite, ties half; None where one of the two is absent."""
    values, is_debris = np.asarray(scores, float), np.asarray(labels, bool)
    if is_debris.all() or not is_debris.any():
        return None
    normal = np.sort(values[~is_debris])
    below, up_to = (np.searchsorted(normal, values[is_debris], side) for side in ("left", "right"))
    return float((below + up_to).mean() / 2 / len(normal))


def rates(called: Sequence[bool], labels: Sequence[bool]) -> tuple[float | None, float | None]:
    """Shares of debris, and of satellites, that were called debris; None where there is none of them."""
    says, is_debris = np.asarray(called, bool), np.asarray(labels, bool)
    true = float(says[is_debris].mean()) if is_debris.any() else None
    false = float(says[~is_debris].mean()) if (~is_debris).any() else None
    return true, false

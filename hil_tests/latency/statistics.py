"""A distribution in numbers."""

from collections.abc import Sequence

import numpy as np

Statistics = dict[str, float | None]
SHARES = {"p50": 50.0, "p90": 90.0, "p99": 99.0, "p99_9": 99.9}


def statistics(values: Sequence[float]) -> Statistics:
    """Percentiles and the maximum; None of a percentile beyond which not one value lies: that would be the maximum."""
    if not values:
        return dict.fromkeys((*SHARES, "max"))
    found: Statistics = {
        name: float(np.percentile(values, share)) if share == 50 or len(values) * (100 - share) >= 99.99 else None
        for name, share in SHARES.items()
    }
    return found | {"max": float(max(values))}


def median(values: Sequence[float]) -> float | None:
    """The median; None of nothing."""
    return float(np.median(values)) if len(values) else None

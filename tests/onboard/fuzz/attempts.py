"""Many inputs at one surface, counted."""

import resource
import time
from dataclasses import dataclass

from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.onboard.fuzz.surfaces import Surface

_WARM_UP = 50  # inputs after which libraries and caches have what they need


@dataclass
class Tally:
    """How many inputs, and of them believed; the slowest one; and by how much memory grew after the first."""

    tried: int = 0
    believed: int = 0
    slowest_s: float = 0.0
    grown_mb: float = 0.0


def attempt(surface: Surface, inputs: int, draw: int = 0) -> Tally:
    """Try inputs; raises what the surface raises, with the smallest input that makes it do so.

    Args:
        surface: takes them.
        inputs: how many.
        draw: the seed of the draw.
    """
    tally = Tally()
    before_mb: list[float] = []

    @seed(draw)
    @settings(
        max_examples=inputs,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(surface.inputs)
    def each(data: object) -> None:
        began = time.monotonic()
        tally.believed += surface.take(data)
        tally.tried += 1
        if tally.tried == _WARM_UP:
            before_mb.append(_most_mb())
        tally.slowest_s = max(tally.slowest_s, time.monotonic() - began)

    each()
    tally.grown_mb = _most_mb() - before_mb[0] if before_mb else 0.0
    return tally


def _most_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

"""The bundle's own threshold on normal frames that it was not made from."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from calibration.coverage import band
from onboard import image_hashes
from onboard.bundle import Bundle
from onboard.normal_scores import Box, FrameRule


@dataclass(frozen=True)
class InForce:
    """How often the bundle's rule alarms.

    Attributes:
        size: the group of apparent sizes.
        limit: p-value at most which it alarms.
        frames: tested.
        alarms: of those.
        band: of the share that chance leaves to exchangeable frames, 95 %; None where nothing was tested.
    """

    size: str
    limit: float
    frames: int
    alarms: int
    band: tuple[float, float] | None


def fresh(bundle: Bundle, digests: Sequence[str]) -> list[bool]:
    """Which images the bundle's threshold was not calibrated on, as far as the bundle knows."""
    found = bundle.manifest.calibration.frame if bundle.manifest.calibration else None
    if found is None:
        return [True] * len(digests)
    used = image_hashes.unpack(bundle.contents[found.images], str(bundle.folder / found.images))
    return [image_hashes.prefix(digest) not in used for digest in digests]


def measure(rule: FrameRule, scores: Sequence[float], boxes: Sequence[Box]) -> list[InForce]:
    """Count the false alarms in each group of apparent sizes."""
    found = []
    edges = [0.0, *rule.scores.ends_px]
    groups = np.array([rule.scores.group_of(box) for box in boxes], int)
    for number, (normal, limit) in enumerate(zip(rule.scores.groups, rule.limits, strict=True)):
        ours = [(s, b) for s, b, g in zip(scores, boxes, groups, strict=True) if g == number]
        alarms = sum(rule.is_debris(rule.scores.p_value(s, b), b) for s, b in ours)
        rank = round(limit * (len(normal) + 1))
        limits = band(len(normal), len(ours), rank) if ours else None
        found.append(InForce(f"from {edges[number]:g} px", limit, len(ours), alarms, limits))
    return found

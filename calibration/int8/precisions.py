"""The bundle in each precision, side by side: size, time, AUROC, threshold, changed decisions, scores."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from scipy import stats

from calibration import latency
from calibration.frames import LabelledFrame
from calibration.graph import running
from calibration.int8.choose import logits
from calibration.int8.decisions import Decisions
from calibration.journal import Journal
from calibration.latency import Times
from calibration.normal_data import NormalData
from onboard import conformal
from onboard.bundle import Bundle

Pairs = Sequence[tuple[str, LabelledFrame]]


@dataclass(frozen=True)
class Precision:
    """One of them.

    Attributes:
        name: fp32, fp16 or int8.
        size: of the graph, bytes.
        scores: anomaly scores of the normal frames that are left to calibrate on, float32.
        debris: of debris; None: none was given.
        changed: alarm decisions that are not the float32 graph's, by false-alarm rate; None of that graph itself.
        times: milliseconds of each round.
    """

    name: str
    size: int
    scores: np.ndarray
    debris: np.ndarray | None
    changed: list[Decisions] | None
    times: Times

    @property
    def auroc(self) -> float | None:
        """Share of the pairs of a normal frame and debris where debris scores higher, ties half."""
        if self.debris is None or not len(self.debris):  # none of it has a window
            return None
        pairs = len(self.scores) * len(self.debris)
        return float(stats.mannwhitneyu(self.debris, self.scores).statistic / pairs)

    def limit(self, rate: float) -> float | None:
        """The score above which a frame alarms; None: too few frames for the rate."""
        rank = conformal.rank(len(self.scores), rate)
        return float(np.sort(self.scores)[-rank]) if rank else None

    def facts(self, rate: float, first: Times) -> dict[str, Any]:
        """For the report; `first` is float32's times."""
        return {
            "name": self.name,
            "bytes": self.size,
            "ms_median": float(np.median(self.times)),
            "fp32_over_it": latency.ratio(first, self.times),
            "auroc": self.auroc,
            "score_threshold": self.limit(rate),
            "changed": None if self.changed is None else [vars(one) for one in self.changed],
            "scores": np.sort(self.scores).tolist(),
            "debris_scores": None if self.debris is None else np.sort(self.debris).tolist(),
        }


def scores(
    journal: Journal,
    told: str,
    graph: bytes,
    bundle: Bundle,
    pairs: Pairs,
    options: NormalData,
    like: LabelledFrame,
) -> np.ndarray:
    """Anomaly scores of frames, float32; frames whose box allows no window have none.

    Args:
        journal: keeps them, some frames at a time.
        told: the graph's precision and the kind of the frames.
        graph: serialised.
        bundle: says how windows are cut.
        pairs: frames with their SHA-256.
        options: what to do with grey images.
        like: a normal frame, whose size all must have.
    """
    name = f"{bundle.folder}, {told}"
    opened = cache(lambda: running.session(graph, name))  # unless all is known

    def block(some: Pairs) -> list[float]:
        feeds = running.feeds(bundle, some, options.grey, f"scoring {told}", like=like)
        return logits(opened(), (feed for _, feed in feeds), name)

    return -np.array(journal.in_blocks(f"scores of {told}", pairs, float, block), np.float32)

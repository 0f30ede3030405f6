from itertools import combinations
from pathlib import Path

import numpy as np
import pytest

from calibration import coverage, plot, shifts
from calibration.coverage import Point
from calibration.scoring import RAW


@pytest.mark.parametrize(("calibrated", "tested", "rank"), [(4, 3, 1), (5, 4, 2), (3, 6, 3)])
def test_the_law_is_that_of_every_split_of_a_pool(calibrated: int, tested: int, rank: int) -> None:
    pool = np.arange(calibrated + tested)
    counts = np.zeros(tested + 1)
    for chosen in combinations(pool, calibrated):
        limit = sorted(chosen)[-rank]
        counts[sum(value > limit for value in pool if value not in chosen)] += 1
    law = coverage.alarms_law(calibrated, tested, rank)
    assert counts / counts.sum() == pytest.approx(law.pmf(np.arange(tested + 1)))


def test_a_mean_outside_of_what_most_splits_gave_is_drawn(tmp_path: Path) -> None:
    far = Point(0.1, 0.09, measured=0.999, low=1.0, high=1.0, band=(0.0, 0.2), inside=0.0)
    plot.coverage(tmp_path / "coverage.png", {"far": [far]}, "far")
    assert (tmp_path / "coverage.png").stat().st_size > 0


def test_exchangeable_scores_keep_to_the_band_and_shifted_ones_leave_it() -> None:
    scores = np.random.default_rng(0).random(400)
    found = coverage.measure({"raw": scores, "up": scores + 0.3, "down": scores - 0.3}, "raw", (1e-3, 0.1), 1000, 0)
    (raw,), (up,), (down,) = found["raw"], found["up"], found["down"]  # 200 frames cannot hold 1e-3
    assert raw.alpha == 0.1 and raw.expected == 20 / 201
    assert raw.measured == pytest.approx(raw.expected, abs=0.003) and 0.93 < raw.inside < 0.99
    assert (raw.verdict, up.verdict, down.verdict) == ("holds", "recalibrate", "fewer alarms")
    ((_,), (little,)) = coverage.measure({"raw": scores, "s": scores + 0.04}, "raw", (0.1,), 300, 0).values()
    assert little.verdict == "watch"
    assert coverage.measure({"raw": scores}, "raw", (0.1,), 50, 3) == coverage.measure(
        {"raw": scores}, "raw", (0.1,), 50, 3
    )


def test_a_score_as_high_as_the_limit_is_no_alarm() -> None:
    ((point,),) = coverage.measure({"raw": np.ones(40)}, "raw", (0.1,), 5, 0).values()
    assert point.measured == 0.0 and point.verdict == "holds"


def test_too_small_a_pool_gives_no_points() -> None:
    assert coverage.measure({"raw": np.arange(10.0)}, "raw", (0.01,), 10, 0) == {"raw": []}


def test_each_disturbance_does_what_it_is_called() -> None:
    frame = np.full((40, 60, 3), 100, np.uint8)
    frame[10:30, 20:40] = 180
    box = (20.0, 10.0, 40.0, 30.0)
    found = {s.name.split()[0]: s.disturb(frame, box, "seed") for s in shifts.SHIFTS if s.disturb is not None}
    assert shifts.SHIFTS[0] is RAW and set(found) == {"darker", "brighter", "grey", "colour", "blur", "size"}
    assert found["darker"][0].max() == 108 and found["brighter"][0].max() == 255
    assert found["blur"][0][9, 30, 0] > 100
    small, small_box = found["size"]
    assert small.shape == frame.shape and small_box == (25.0, 15.0, 35.0, 25.0) and small[0, 0, 0] == 0
    assert (small[15:25, 25:35] == 180).all() and (small[10:15, 15:45] == 100).all()

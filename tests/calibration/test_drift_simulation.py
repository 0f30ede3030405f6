import numpy as np

from calibration import drift


def test_it_sees_a_shift_and_seldom_alarms_without_one() -> None:
    scores = np.random.default_rng(0).normal(0, 1, 160)
    found = drift.measure({"raw": scores, "up": scores + 2, "down": scores - 2}, "raw", seed=0)
    assert found["raw"].alarmed <= 0.05 and (found["raw"].before, found["raw"].flown) == (80, 80)
    for name in ("up", "down"):
        one = found[name]
        assert one.alarmed > 0.99 and one.median is not None and one.median < 20
        # Where half of the runs have alarmed, the median capital is about at the limit.
        assert abs(one.capital[1][int(one.median) - 1] - 2) < 0.7
        assert all(low <= middle <= high for low, middle, high in zip(*one.capital, strict=True))
    assert "raw" in drift.text(found)

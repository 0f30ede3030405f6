"""The bundle's rule goes by the size that a box has under each disturbance."""

import numpy as np

from calibration import shifts, validate
from calibration.shifts import SHIFTS
from onboard.normal_scores import FrameRule, NormalScores

FRAME_PX = (61, 41)  # odd: half of it is rounded down


def test_the_box_under_a_disturbance_is_the_one_that_its_frame_was_scored_with() -> None:
    frame, box = np.zeros((FRAME_PX[1], FRAME_PX[0], 3), np.uint8), (20.0, 10.0, 40.0, 30.0)
    for shift in SHIFTS:
        expected = box if shift.disturb is None else shift.disturb(frame, box, "seed")[1]
        assert shift.box(box, FRAME_PX) == expected
    assert shifts.SHIFTS[-1].box(box, FRAME_PX) != box


def test_a_smaller_box_is_held_against_the_scores_of_its_own_size() -> None:
    small, large = np.linspace(10, 11, 19, dtype=np.float32), np.linspace(0, 1, 19, dtype=np.float32)
    rule = FrameRule(0.05, None, NormalScores((64.0,), (small, large)), (0.05, 0.05))
    box = (0.0, 0.0, 100.0, 100.0)
    halved = SHIFTS[-1].box(box, (200, 200))
    scores = {"raw": np.full(5, 0.5, np.float32), SHIFTS[-1].name: np.full(5, 10.5, np.float32)}
    boxes = {"raw": [box] * 5, SHIFTS[-1].name: [halved] * 5}
    found = validate._in_force(rule, scores, boxes, [True, True, True, True, False])
    counted = {name: [(one.frames, one.alarms) for one in groups] for name, groups in found.items()}
    assert counted == {"raw": [(0, 0), (4, 0)], SHIFTS[-1].name: [(4, 0), (0, 0)]}

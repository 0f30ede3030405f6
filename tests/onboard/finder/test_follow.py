"""From frame to frame: an object that is missed is bridged for a while, and never beyond its run."""

import numpy as np

from onboard.finder import Boxes, Found
from onboard.finder.boxes import Box, overlap
from onboard.finder.config import FinderConfig
from onboard.finder.follow import Follower

NOTHING = Found((), "nothing")


def at(frame_id: int) -> Box:
    """An object of 40 x 30 px that moves by 6 px a frame."""
    return 100.0 + 6 * frame_id, 200.0 - 2 * frame_id, 140.0 + 6 * frame_id, 230.0 - 2 * frame_id


def seen_until(frame_id: int, bridge_frames: int = 3) -> Follower:
    follower = Follower(FinderConfig(bridge_frames=bridge_frames))
    for each in range(frame_id + 1):
        assert follower.update(each, Found((at(each),))) == (at(each), "finder", "")
    return follower


def test_missed_frames_are_predicted_and_then_the_object_is_lost() -> None:
    follower = seen_until(19)
    for frame_id in (20, 21, 22):
        boxed = follower.update(frame_id, NOTHING)
        assert boxed.source == "tracker"
        assert boxed.box is not None
        assert overlap(boxed.box, at(frame_id)) > 0.85
    assert follower.update(23, NOTHING) == (None, None, "nothing")
    assert follower.update(24, NOTHING).box is None


def test_the_object_is_preferred_to_a_brighter_stranger() -> None:
    follower = seen_until(9)
    stranger = (600.0, 600.0, 700.0, 700.0)
    assert follower.update(10, Found((stranger, at(10)))).box == at(10)
    bridged = follower.update(11, Found((stranger,)))
    assert bridged.source == "tracker"
    assert follower.update(12, Found((at(12),))) == (at(12), "finder", "")
    assert [follower.update(each, NOTHING).source for each in (13, 14, 15, 16)] == ["tracker"] * 3 + [None]


def test_a_stranger_alone_is_followed_once_the_object_is_lost() -> None:
    follower = seen_until(9, bridge_frames=1)
    stranger = (600.0, 600.0, 700.0, 700.0)
    assert follower.update(10, Found((stranger,))).source == "tracker"
    assert follower.update(11, Found((stranger,))) == (stranger, "finder", "")


def test_what_was_seen_once_is_not_bridged() -> None:
    assert seen_until(0).update(1, NOTHING).box is None


def test_ids_that_never_came_count_as_missed() -> None:
    near = seen_until(19).update(22, NOTHING)  # 20 and 21 are missing, 22 is the third
    assert near.box is not None
    assert overlap(near.box, at(22)) > 0.85
    assert seen_until(19).update(23, NOTHING).box is None
    assert seen_until(19).update(19 + 2**63, Found((at(0),))) == (at(0), "finder", "")


def test_each_run_has_its_own_track() -> None:
    boxes = Boxes(FinderConfig())
    one, other = bytes(16), bytes([1] * 16)
    dark = np.full((200, 200, 3), 20, np.uint8)
    lit = dark.copy()
    lit[50:100, 60:120] = 150
    assert [boxes(one, frame_id, lit).source for frame_id in (0, 1)] == ["finder"] * 2
    assert boxes(other, 2, dark).box is None
    assert boxes(one, 2, dark).source == "tracker"
    for number in range(2, 10):
        boxes(bytes([number] * 16), 0, dark)
    assert boxes(one, 3, dark).box is None  # too many runs since


def test_a_late_frame_is_judged_alone() -> None:
    follower = seen_until(19)
    assert follower.update(5, NOTHING).box is None
    assert follower.update(20, NOTHING).source == "tracker"

"""Frames that cannot be believed are refused by name; real ones are not."""

from pathlib import Path

import numpy as np
import pytest

from onboard import image
from onboard.sanity import Sanity, SanityConfig


def scene(seed: int = 0, level: int = 6) -> np.ndarray:
    """Dark space with sensor noise, 60 x 81 px: neither side is a multiple of eight."""
    return np.random.default_rng(seed).integers(0, level, (60, 81, 3)).astype(np.uint8)


def lit(frame: np.ndarray, x: int) -> np.ndarray:
    changed = frame.copy()
    changed[41:44, x : x + 3] = 200  # missed by the sample of every sixteenth row
    return changed


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (scene(), None),
        (lit(np.zeros((60, 81, 3), np.uint8), 9), None),
        (np.zeros((60, 81, 3), np.uint8), "frame_black"),
        (scene(level=4), "frame_black"),
        (np.full((60, 81, 3), 255, np.uint8), "frame_saturated"),
        (np.concatenate([np.full((40, 81, 3), 255, np.uint8), scene()[:20]]), None),  # two thirds of it: the Earth
        (np.concatenate([np.full((520, 402, 3), 255, np.uint8), np.zeros((104, 402, 3), np.uint8)]), "frame_saturated"),
        (scene().astype(np.float32), "frame_wrong_type"),
        (scene()[..., 0], "frame_wrong_type"),
        (scene()[:0], "frame_wrong_type"),
        (None, "frame_wrong_type"),
        ("frame", "frame_wrong_type"),
    ],
)
def test_each_frame_is_refused_by_name_or_taken(frame: object, reason: str | None) -> None:
    refusal = Sanity(SanityConfig()).check(frame)
    assert (refusal and refusal.reason) == reason


def test_other_sizes_than_the_allowed_ones() -> None:
    sanity = Sanity(SanityConfig(frame_size_px=((81, 60), (20, 30))))
    assert sanity.check(scene()) is None
    refusal = sanity.check(scene()[:59])
    assert refusal is not None
    assert (refusal.reason, "81 x 59 px" in refusal.detail) == ("frame_wrong_size", True)


@pytest.mark.parametrize("known", [False, True], ids=["computed here", "given by the source"])
def test_the_same_content_again_is_frozen_and_a_moved_object_is_not(known: bool) -> None:
    sanity = Sanity(SanityConfig())
    dark = np.zeros((60, 81, 3), np.uint8)
    # By eight pixels the object's bytes stay where they are in their words; up and sideways sums alone would miss.
    frames = [lit(dark, 9), lit(dark, 17), np.roll(lit(dark, 17), 8, 0), lit(dark, 17), lit(dark, 17), lit(dark, 75)]
    told = []
    for frame in frames:
        refusal = sanity.check(frame, hash(frame.tobytes()) if known else None)
        told.append(refusal and refusal.reason)
    assert told == [None, None, None, None, "frame_frozen", None]
    quiet = Sanity(SanityConfig(frozen=False))
    assert [quiet.check(frames[0]) for _ in range(2)] == [None, None]


def test_rows_with_padding_and_a_single_changed_value() -> None:
    sanity = Sanity(SanityConfig())
    padded = np.zeros((60, 300), np.uint8)[:, :243].reshape(60, 81, 3)
    padded[:] = scene()
    assert sanity.check(padded) is None
    refusal = sanity.check(scene())  # the same, elsewhere in memory
    assert refusal is not None
    for y, x, channel in [(0, 0, 0), (59, 80, 2), (30, 80, 0)]:
        padded[y, x, channel] ^= 1
        assert sanity.check(padded) is None


def test_no_real_frame_is_refused(spark_sample: Path) -> None:
    sanity = Sanity(SanityConfig())
    paths = [path for path in sorted(spark_sample.rglob("*")) if path.suffix in (".jpg", ".png")][::20]
    assert len(paths) > 20
    refused = [(path.name, refusal) for path in paths if (refusal := sanity.check(image.read(path))) is not None]
    assert refused == []

"""A fault in the node's own code: a frame has no verdict, its pose goes out where there is one, the node flies on."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onboard import bundle as bundles
from onboard.crop_spec import CropSpec
from onboard.finder import Boxes
from onboard.finder.config import FinderConfig
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.summary import Summary
from onboard.fly.track_file import TrackFile
from onboard.fly.tracks import Tracks
from onboard.normal_scores import FrameRule, NormalScores
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import BOX, message, picture

RUN, OTHER_RUN = b"0123456789abcdef", b"fedcba9876543210"
Configured = Callable[..., NodeConfig]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize(
    ("of", "name", "has_a_track"),
    [
        (Tracks, "update", False),
        (TrackFile, "keep", False),
        (FrameRule, "is_debris", False),
        (NormalScores, "p_value", True),
    ],
)
def test_a_fault_behind_the_engine_costs_a_verdict_and_neither_the_pose_nor_the_flight(
    configured: Configured, calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: type, name: str,
    has_a_track: bool,
) -> None:  # fmt: skip
    real, frames = getattr(of, name), [(RUN, 0), (RUN, 1), (RUN, 2), (OTHER_RUN, 0)]

    def broken(*_: object) -> None:
        raise IndexError("nobody thought of this")

    config = configured(bundle=str(calibrated))
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, summary = Loop(parts), Summary(parts)
        for n, (run, frame_id) in enumerate(frames):
            monkeypatch.setattr(of, name, broken if n == 1 else real)
            writer.write(*message(run, frame_id, picture(n)))
            loop.turn(5.0)
        page = summary.write()
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    ends = [("ANSWERED", None), ("REJECTED", "invalid_output"), ("ANSWERED", None), ("ANSWERED", None)]
    assert [(each["status"], each["reason"]) for each in told] == ends
    assert all(len(each["outputs"]["rotation"][0]) == 3 for each in told)
    assert told[1]["logit"] is told[1]["p_value"] is told[1]["is_debris"] is None
    assert told[2]["is_debris"] is True
    assert ["track" in each for each in told] == [True, has_a_track, has_a_track, True]
    assert page["journal"]["agrees"]
    assert page["journal"]["runs"][RUN.hex()]["rejected"] == page["frames"]["rejected"]["invalid_output"] == 1
    (event,) = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "debris_failed"]
    assert event["level"] == "warning"
    assert "IndexError in test_fly_debris_side.py" in event["detail"] and "nobody thought of this" in event["detail"]


@pytest.mark.parametrize("poses", [True, False])
def test_a_fault_of_sanity_costs_a_verdict_and_neither_the_pose_nor_the_flight(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poses: bool
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("nobody thought of this")

    config = configured(**({} if poses else {"output__pose_outputs": []}))
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop = Loop(parts)
        for n, name in enumerate(("onboard.sanity._wrong_type", "onboard.fly.unfit.other_frame_size", None)):
            with monkeypatch.context() as patch:
                if name is not None:
                    patch.setattr(name, broken)
                writer.write(*message(RUN, n, picture(n)))
                loop.turn(5.0)
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    assert [each["reason"] for each in told] == ["sanity_failed", "sanity_failed", None]
    assert ["rotation" in each.get("outputs", {}) for each in told] == [poses, poses, poses]
    assert told[0]["logit"] is told[1]["logit"] is None and "IndexError" in told[1]["detail"]
    assert "debris_failed" in [each["event"] for each in lines(tmp_path / "out" / "events.jsonl")]


def test_a_window_that_cannot_be_cut_costs_one_frame(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("nobody thought of this")

    with parts_of(configured()) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop, detector = Loop(parts), parts.guard.flown.detector
        assert detector is not None
        for n in range(2):
            with monkeypatch.context() as patch:
                if n == 0:
                    patch.setattr("onboard.detector.cut", broken)
                    assert detector.prepare(picture(n), BOX) is None, "beside the engine it is left to the loop"
                writer.write(*message(RUN, n, picture(n)))
                loop.turn(5.0)
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    assert [each["reason"] for each in told] == ["window_failed", None] and "IndexError" in told[0]["detail"]
    assert "debris_failed" in [each["event"] for each in lines(tmp_path / "out" / "events.jsonl")]


@pytest.mark.parametrize("poses", [True, False])
def test_the_pose_of_a_whole_frame_goes_out_where_the_box_cannot_be_looked_at(
    configured: Configured, calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, poses: bool
) -> None:
    def broken(box: tuple[float, ...], *_: object) -> None:
        if box == BOX:
            raise IndexError("nobody thought of this")

    monkeypatch.setattr("onboard.window.check_box", broken)
    spec = CropSpec(input_px=32, view="frame", frame_px=(96, 96), resize="stretch")
    bundles.write_manifest(calibrated, msgspec.structs.replace(bundles.read(calibrated).manifest, crop=spec))
    config = configured(bundle=str(calibrated), **({} if poses else {"output__pose_outputs": []}))
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        writer.write(*message(RUN, 0, picture(0)))
        Loop(parts).turn(5.0)
    (told,) = lines(tmp_path / "out" / "verdicts.jsonl")
    assert told["reason"] == "window_failed"
    assert (told["stage_ns"]["infer"] > 0, len(told.get("outputs", {}))) == ((True, 1) if poses else (False, 0))


@pytest.mark.parametrize(
    ("of", "name", "finder"), [(NormalScores, "p_value", None), (Boxes, "__call__", FinderConfig())]
)
def test_a_fault_is_told_and_the_pose_of_a_whole_frame_goes_out_without_a_box(
    configured: Configured, calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, of: type, name: str,
    finder: FinderConfig | None,
) -> None:  # fmt: skip
    def broken(*_: object) -> None:
        raise RuntimeError("nobody thought of this")

    monkeypatch.setattr(of, name, broken)
    spec = CropSpec(input_px=32, view="frame", frame_px=(96, 96), resize="stretch")
    bundles.write_manifest(calibrated, msgspec.structs.replace(bundles.read(calibrated).manifest, crop=spec))
    config = configured(bundle=str(calibrated), finder=finder)
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        writer.write(*message(RUN, 0, picture(0), None))
        Loop(parts).turn(5.0)
    (told,) = lines(tmp_path / "out" / "verdicts.jsonl")
    assert (told["reason"], len(told["outputs"]["rotation"][0])) == ("no_box", 3)
    assert ("nobody thought of this" in told["detail"]) == (finder is not None), "p-values are no box's fault"
    (failed,) = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "debris_failed"]
    assert "nobody thought of this" in failed["detail"]


def test_a_fault_of_the_tracks_leaves_a_refused_frame_its_own_reason(
    configured: Configured, calibrated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("broken")

    config = configured(bundle=str(calibrated))
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        monkeypatch.setattr(Tracks, "update", broken)
        writer.write(*message(RUN, 0, picture(0), None))
        Loop(parts).turn(5.0)
    (told,) = lines(tmp_path / "out" / "verdicts.jsonl")
    assert (told["status"], told["reason"]) == ("REJECTED", "no_box")

"""The loop with real sources, sockets and engines: every frame has one end, and the accounts agree."""

import itertools
import json
import math
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onboard import bundle as bundles
from onboard.crop_spec import CropSpec
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.flown import Way
from onboard.fly.guard import Guard
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.fly.outlet import Outlet
from onboard.fly.start import fly
from onboard.fly.summary import Summary, text
from onboard.health.choice import Choice, Chosen
from onboard.messages import Status, Verdict
from onboard.sources import Taken
from onboard.sources.ring_writer import RingWriter
from onboard.wire import encode, verdict
from tests.onboard.fly.conftest import BOX, message, picture, settle

zmq = pytest.importorskip("zmq")
RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[RingWriter]:
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as made:
        yield made


@contextmanager
def flying(config: NodeConfig) -> Iterator[tuple[Parts, Loop]]:
    """A loop that is turned by hand."""
    with parts_of(config) as parts:
        yield parts, Loop(parts)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def ends(out: Path) -> dict[int, str | None]:
    told = lines(out / "verdicts.jsonl")
    assert len({each["frame_id"] for each in told}) == len(told)
    return {each["frame_id"]: each["reason"] for each in told}


def test_every_frame_has_one_end_and_the_accounts_agree(configured: Configured, tmp_path: Path) -> None:
    with zmq.Context() as context, context.socket(zmq.PUSH) as camera, context.socket(zmq.PULL) as ground:
        port = camera.bind_to_random_port("tcp://127.0.0.1")
        there = ground.bind_to_random_port("tcp://127.0.0.1")
        config = configured(
            source={"kind": "stream", "endpoint": f"tcp://127.0.0.1:{port}", "bind": False},
            output__socket={"kind": "push", "endpoint": f"tcp://127.0.0.1:{there}", "bind": False},
        )
        last = picture(0)
        spoiled = encode(message(RUN, 7, picture(7))[0])
        sent = [
            message(RUN, 0, last),
            message(RUN, 1, last),
            message(RUN, 2, picture(2) * 0),
            message(RUN, 3, picture(3), None),
            message(RUN, 4, picture(4), (math.nan, 0.0, 1.0, 1.0)),
            message(RUN, 5, picture(5), age_ms=20_000.0),
            message(RUN, 6, picture(6) | 255),
        ]
        with flying(config) as (parts, loop):
            summary = Summary(parts)
            for header, payload in sent:
                camera.send_multipart([encode(header), payload])
                loop.turn(5.0)
            camera.send_multipart([spoiled, bytes(96 * 96 * 3)])
            loop.turn(5.0)
            camera.send_multipart([encode(sent[0][0]), sent[0][1]])  # its id has come before
            loop.turn(5.0)
            for frame_id in (8, 9):
                header, payload = message(RUN, frame_id, picture(frame_id))
                camera.send_multipart([encode(header), payload])
            time.sleep(0.2)
            loop.turn(5.0)
            page = summary.write()
        messages = []
        while ground.poll(300):
            messages.append(verdict.decode(ground.recv()))
    expected = {
        0: None, 1: "frame_frozen", 2: "frame_black", 3: "no_box", 4: "box_not_finite", 5: "stale",
        6: "frame_saturated", 7: "wire_payload_crc", 8: "superseded", 9: None,
    }  # fmt: skip
    assert ends(tmp_path / "out") == expected
    assert {each.frame_id: each.reason for each in messages} == expected
    frames = page["frames"]
    assert frames["received"] == frames["answered"] + sum([*frames["rejected"].values(), *frames["skipped"].values()])
    assert (frames["received"], frames["answered"], frames["not_recorded"]) == (10, 2, {"duplicate": 1})
    assert frames["skipped"] == {"stale": 1, "superseded": 1}
    assert page["journal"]["agrees"]
    account = page["journal"]["runs"][RUN.hex()]
    assert (account["answered"], account["rejected"], account["skipped"], account["duplicates"]) == (2, 6, 2, 1)
    assert page["latency_ms"]["infer"]["p50"] > 0
    first = messages[0]
    assert first.outputs is not None
    assert len(first.outputs["rotation"][0]) == 3
    assert first.box == BOX
    assert first.exposure_start_ns == sent[0][0].exposure_start_ns
    names = [event["event"] for event in lines(tmp_path / "out" / "events.jsonl")]
    assert "duplicate" in names
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["frames"] == frames


def test_a_pose_network_flies_on_where_its_debris_head_is_given_up(
    configured: Configured, moody: Path, tmp_path: Path, writer: RingWriter
) -> None:
    invalid = {"in_a_row": 2, "reloads": 1, "healthy_frames": 3}
    config = configured(bundle=str(moody), invalid=invalid, health__known_answer_s=0.001)  # these stay right
    with flying(config) as (parts, loop):
        for frame_id in range(12):
            writer.write(*message(RUN, frame_id, picture(frame_id, 256 if frame_id >= 8 else 60)))
            loop.turn(5.0)
            settle(parts.guard, lambda: loop.turn(0.0))
        counts = parts.log.counts
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    assert [each["reason"] for each in told] == ["invalid_output"] * 8 + [None] * 4
    assert all(each["outputs"]["rotation"] for each in told)
    assert (counts["engine_reloaded"], counts["debris_given_up"], counts["unavailable"]) == (1, 1, 0)


def test_nonsense_reloads_hands_over_and_ends_in_unavailable(
    configured: Configured, moody: Path, tmp_path: Path, writer: RingWriter
) -> None:
    invalid = {"in_a_row": 2, "reloads": 1, "healthy_frames": 3}
    config = configured(bundle=str(moody), invalid=invalid, output__pose_outputs=[])  # no pose that it could fly on for
    ids = itertools.count()

    def shown(loop: Loop, dark: bool, count: int) -> None:
        for frame_id in itertools.islice(ids, count):
            writer.write(*message(RUN, frame_id, picture(frame_id, 60 if dark else 256)))
            loop.turn(5.0)
            settle(parts.guard, lambda: loop.turn(0.0))

    with flying(config) as (parts, loop):
        shown(loop, True, 1)
        shown(loop, False, 1)
        shown(loop, True, 1)
        assert parts.log.counts["engine_reloaded"] == 0  # not in a row
        shown(loop, True, 1)
        assert parts.log.counts["engine_reloaded"] == 1
        shown(loop, False, 3)  # healthy: the reload is forgotten
        shown(loop, True, 2)
        assert parts.log.counts["engine_reloaded"] == 2
        shown(loop, True, 2)
        assert (parts.guard.state, parts.guard.available) == ("unavailable", False)
        shown(loop, False, 2)
        page = Summary(parts).write()
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    bad = [each for each in told if each["reason"] == "invalid_output"]
    assert len(bad) == page["invalid_outputs"] == 7
    assert all(each["status"] == "REJECTED" and each["logit"] is None for each in bad)
    assert [each["reason"] for each in told[-2:]] == ["unavailable"] * 2
    assert page["frames"]["skipped"] == {"unavailable": 2}


@pytest.mark.parametrize("altered", ["damaged", "another bundle"])
def test_a_reload_from_altered_files_is_refused_and_the_next_engine_takes_over(
    configured: Configured, moody: Path, small: Path, tmp_path: Path, altered: str
) -> None:
    kept, events = tmp_path / "kept", Events()
    shutil.copytree(moody, kept)
    ways = [Way("first", lambda: Detector.load(moody)), Way("second", lambda: Detector.load(kept))]
    choice = Choice(str(moody))
    config = configured(invalid={"in_a_row": 1, "reloads": 2})
    guard = Guard(Chosen(choice, (choice,)), lambda _: ways, config, events)
    if altered == "damaged":
        damaged = bytearray((moody / "model.onnx").read_bytes())
        damaged[len(damaged) // 2] ^= 1
        (moody / "model.onnx").write_bytes(damaged)
    else:
        shutil.copytree(small, moody, dirs_exist_ok=True)
    assert guard(picture(0, 60), BOX).reason == "invalid_output"
    guard.mend()
    settle(guard)
    assert [event.name for event in events.take()] == ["reload_failed", "reload_failed", "engine_handed_over"]
    assert guard.state == "second"
    assert guard(picture(1), BOX).logit is not None


def test_a_logit_beyond_the_limit_is_nonsense(
    configured: Configured, small: Path, tmp_path: Path, writer: RingWriter
) -> None:
    with flying(configured(invalid={"logit_limit": 1e-9})) as (_, loop):
        writer.write(*message(RUN, 0, picture(0)))
        loop.turn(5.0)
    assert ends(tmp_path / "out") == {0: "invalid_output"}


def test_outlets_that_are_gone_or_full_are_counted_and_hold_nothing_up(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "verdicts.jsonl").symlink_to("/dev/full")
    nobody = {"kind": "push", "endpoint": f"ipc://{tmp_path}/verdicts"}
    budgets = {"infer": 1e-4, "total": 3_600_000}
    with flying(configured(output__socket=nobody, deadline_ms=0.001, deadlines=budgets)) as (parts, loop):
        summary, start = Summary(parts), time.monotonic()
        for frame_id in range(20):
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
        assert time.monotonic() - start < 5
        time.sleep(0.2)
        page = summary.write()
    assert page["verdicts_dropped"] == {"file": 20, "socket": 20}
    assert page["journal"]["agrees"]
    assert page["frames"]["answered"] == 20
    stages = {
        "infer": {"budget_ms": 1e-4, "missed": 20, "of": 20},
        "total": {"budget_ms": 3_600_000, "missed": 0, "of": 20},
    }
    assert page["deadline"] == {"limit_ms": 0.001, "missed": 20, "of": 20, "stages": stages}
    assert "20 of 20 over 0.0001" in text(page)
    assert [
        page["events"][name] for name in ("deadline_missed", "budget_missed", "verdict_dropped", "output_lost")
    ] == [20] * 4
    missed = [each for each in lines(tmp_path / "out" / "events.jsonl") if each["event"] == "deadline_missed"]
    assert len(missed) == 1  # throttled


def test_a_track_is_judged_and_says_so(
    configured: Configured, calibrated: Path, tmp_path: Path, writer: RingWriter
) -> None:
    with flying(configured(bundle=str(calibrated))) as (parts, loop):
        for frame_id in (0, 1, 3, 4, 5, 6):
            writer.write(*message(RUN, frame_id, picture(frame_id)))
            loop.turn(5.0)
        page = Summary(parts).write()
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    assert [each["is_debris"] for each in told] == [True] * 6
    tracks = [each["track"] for each in told]
    assert [each["frames"] for each in tracks] == [1, 2, 4, 5, 6, 7]  # the frame that never came is one of the track
    assert [each["is_debris"] for each in tracks] == [False, False, False, True, True, True]
    assert [each["beyond_horizon"] for each in tracks] == [False] * 5 + [True]
    assert {each["alarm_frame"] for each in tracks} == {None, 5}
    assert page["drift"]["tracks"] == 1
    (tmp_path / "journal.tracks").unlink()  # what was gathered
    with flying(configured(bundle=str(calibrated))) as (parts, loop):
        writer.write(*message(RUN, 7, picture(7)))
        loop.turn(5.0)
    last = lines(tmp_path / "out" / "verdicts.jsonl")[-1]
    assert (last["frame_id"], "track" in last) == (7, False)
    assert parts.log.counts["track_lost"] == 1


def test_a_verdict_on_pixels_that_were_overwritten_is_void(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    in_place = {"kind": "ring", "path": str(tmp_path / "camera"), "copy": False, "checksum": False}
    with flying(configured(source=in_place)) as (parts, loop):

        class Hasty:
            """The ring, whose camera writes four frames more before the loop can look at the one that it took."""

            ended, inner, close = False, parts.source, parts.source.close

            def take(self, timeout_s: float) -> Taken:
                taken = self.inner.take(timeout_s)
                for frame_id in range(1, 5) if taken.items else ():
                    writer.write(*message(RUN, frame_id, picture(frame_id)))
                return taken

        parts.source = Hasty()
        writer.write(*message(RUN, 0, picture(0)))
        loop.turn(5.0)
    assert ends(tmp_path / "out") == {0: "overwritten"}


def test_an_account_that_differs_from_the_journal_s_is_told(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    with flying(configured()) as (parts, loop):
        summary = Summary(parts)
        writer.write(*message(RUN, 0, picture(0)))
        loop.turn(5.0)
        assert summary.write()["journal"]["agrees"]
        parts.account.ends[Status.ANSWERED, None] += 1  # a fault of the loop
        page = summary.write()
    assert (page["journal"]["agrees"], page["events"]["account_differs"]) == (False, 1)
    (told,) = lines(tmp_path / "out" / "events.jsonl")
    assert (told["event"], told["level"]) == ("account_differs", "fatal")


def test_the_record_is_there_before_the_verdict_goes_out(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    with flying(configured()) as (parts, loop):
        seen = []

        class Watching(Outlet):
            def send(self, verdict: Verdict) -> None:
                seen.append((verdict.status, parts.journal.entries()[-1].status))

        parts.outlet = Watching(None, None, parts.events)
        for frame_id, box in enumerate([BOX, None]):
            writer.write(*message(RUN, frame_id, picture(frame_id), box))
            loop.turn(5.0)
    assert seen == [(Status.ANSWERED, Status.ANSWERED), (Status.REJECTED, Status.REJECTED)]


def test_a_network_that_sees_whole_frames_gives_its_pose_without_a_box(
    configured: Configured, small: Path, tmp_path: Path, writer: RingWriter
) -> None:
    folder = Path(shutil.copytree(small, tmp_path / "whole"))
    spec = CropSpec(input_px=32, view="frame", frame_px=(96, 96), resize="stretch")
    bundles.write_manifest(folder, msgspec.structs.replace(bundles.read(small).manifest, crop=spec))
    with flying(configured(bundle=str(folder))) as (_, loop):
        for frame_id, box in enumerate([BOX, None, (60.0, 60.0, 20.0, 20.0)]):
            writer.write(*message(RUN, frame_id, picture(frame_id), box))
            loop.turn(5.0)
    told = lines(tmp_path / "out" / "verdicts.jsonl")
    assert [each["reason"] for each in told] == [None, "no_box", "box_empty"]
    assert [each["logit"] is None for each in told] == [False, True, True]
    assert all(len(each["outputs"]["rotation"][0]) == 3 for each in told)


@pytest.mark.parametrize("end", ["clean", "killed in the middle"])
def test_what_the_process_before_has_recorded_is_no_duplicate_after_a_restart(
    configured: Configured, tmp_path: Path, writer: RingWriter, end: str
) -> None:
    config = configured()
    with flying(config) as (parts, loop):
        for n in (0, 1, 4):
            writer.write(*message(RUN, n, picture(n)))
            loop.turn(5.0)
        if end != "clean":  # frame 5 has begun, frame 6 has not
            parts.journal.begin(RUN, 5)
            writer.write(*message(RUN, 5, picture(5)))
    writer.write(*message(RUN, 6, picture(6)))
    with flying(config) as (parts, loop):
        loop.turn(5.0)
        loop.turn(0.01)
        writer.write(*message(RUN, 6, picture(6)))  # the sender's own mistake
        loop.turn(5.0)
        told = parts.log.counts
        assert (told["duplicate"], parts.account.not_recorded["duplicate"]) == (1, 1)
        assert told["gap"] == (end == "clean")  # frame 5 never came
        records = [entry.frame_id for entry in parts.journal.entries()]
        assert records == ([0, 1, 4, 6] if end == "clean" else [0, 1, 4, 5, 6])
        assert parts.journal.totals()[RUN].duplicates == 1
        assert parts.account.totals() == (1, 0, 0)


def test_the_clock_of_another_host_is_put_right_or_complained_of(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    for offset_ms, n in ((0.0, 0), (-20_000.0, 1), (-40_000.0, 2)):  # the sender's clock is 20 s ahead
        with flying(configured(clock_offset_ms=offset_ms)) as (parts, loop):
            writer.write(*message(RUN, n, picture(n), age_ms=-20_000.0))
            loop.turn(5.0)
            assert parts.log.counts["clock_ahead"] == (n == 0)
    assert ends(tmp_path / "out") == {0: None, 1: None, 2: "stale"}


def test_five_thousand_frames_take_no_more_memory_than_a_thousand(
    configured: Configured, tmp_path: Path, writer: RingWriter
) -> None:
    pictures = [picture(seed) for seed in range(5)]
    with flying(configured(output__summary_s=0.2)) as (parts, loop):
        summary = Summary(parts)
        for frame_id in range(5000):
            if frame_id == 1100:  # the journal has come round, and every buffer has been used
                before = resident_bytes()
            writer.write(*message(RUN, frame_id, pictures[frame_id % 5]))
            loop.turn(5.0)
            summary.when_due()
        grown, page = resident_bytes() - before, summary.write()
    assert grown < 5_000_000
    assert page["frames"]["received"] == page["frames"]["answered"] == 5000
    assert page["journal"]["agrees"]
    assert page["verdicts_dropped"] == {"file": 5000 - len(ends(tmp_path / "out"))}


def test_a_replay_flies_to_its_end(configured: Configured, tmp_path: Path) -> None:
    import cv2

    frames = tmp_path / "frames"
    frames.mkdir()
    for n in range(4):
        cv2.imwrite(str(frames / f"{n}.png"), picture(n))
    rows = [f"{n}.png,20,20,60,60" for n in (0, 1, 3, 4)]  # no box for 2, no image for 4
    (frames / "boxes.csv").write_text("\n".join(["filename,x_min,y_min,x_max,y_max", *rows]) + "\n")
    page = fly(configured(source={"kind": "folder", "folder": str(frames)}))
    assert page["complete"]
    assert ends(tmp_path / "out") == {0: None, 1: None, 2: "no_box", 3: None, 4: "frame_missing"}


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"bundle": "/nowhere"}, "/nowhere"),
        ({"output__pose_outputs": ["attitude"]}, "'attitude' is no output .* it has rotation"),
        ({"output__socket": {"kind": "pub", "endpoint": "tcp://0.0.0.0:5556"}}, "other hosts, which needs keys"),
        ({"output__folder": "/dev/null/out"}, "set output.folder"),
        ({"journal__records": 17}, "journal.records: 17 is not allowed"),
        ({"stale_ms": 0}, "stale_ms: 0 is not allowed"),
        ({"clock_offset_ms": math.nan}, "clock_offset_ms: nan is not allowed"),
        ({"deadline_ms": math.nan}, "deadline_ms: nan is not allowed"),
        ({"invalid__logit_limit": math.nan}, "logit_limit: nan is not allowed"),
        ({"source": {"kind": "folder", "folder": "/nowhere"}}, "no such folder"),
    ],
)
def test_a_configuration_that_cannot_fly_is_refused(configured: Configured, more: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        fly(configured(**more))

"""The same plan gives the same faults, and each does to a message what it says."""

import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace as altered

from hil_tests.bench import plan as plans
from hil_tests.bench.config import StreamSetup
from hil_tests.bench.message_faults import Outgoing, strike
from hil_tests.bench.plan import MESSAGE_KINDS, PROCESS_KINDS, FaultPlan, Injection, schedule
from hil_tests.bench.timeline import timeline
from onboard.errors import InputError
from onboard.wire import Header, Limits, PixelFormat, WireError, decode

CONFIGS = Path(__file__).parents[3] / "configs"
EVERY = FaultPlan(seed=5, faults=dict.fromkeys((*MESSAGE_KINDS, *PROCESS_KINDS), 3))


def sound(seed: int = 0) -> Outgoing:
    payload = np.random.default_rng(seed).integers(20, 230, 48 * 64 * 3, np.uint8).tobytes()
    now = 10**13
    header = Header(
        bytes(16), seed, now, now + 5, now + 9, 64, 48, 192, PixelFormat.RGB8, (10.0, 10.0, 40.0, 30.0), "detector",
        len(payload), zlib.crc32(payload),
    )  # fmt: skip
    return Outgoing(header, payload)


def struck(kind: str, seed: int = 7) -> Outgoing:
    return strike(sound(2), sound(1), Injection(2, kind, seed), EVERY, stale_ms=1000)


def test_the_same_seed_gives_the_same_faults_at_the_same_frames() -> None:
    assert schedule(EVERY, 20) == schedule(EVERY, 20)
    other = schedule(FaultPlan(seed=6, faults=EVERY.faults), 20)
    assert other.injections != schedule(EVERY, 20).injections
    for kind in MESSAGE_KINDS:
        assert struck(kind).parts() == struck(kind).parts()
    assert struck("corrupt", 7).parts() != struck("corrupt", 8).parts()


def test_no_two_faults_touch() -> None:
    laid = schedule(EVERY, 20)
    assert {kind: sum(each.kind == kind for each in laid.injections) for kind in EVERY.faults} == EVERY.faults
    ends = [each.frame_id + each.frames for each in laid.injections]
    starts = [each.frame_id for each in laid.injections[1:]]
    assert all(start > end for start, end in zip(starts, ends[:-1], strict=True))
    assert laid.frames >= ends[-1]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("truncate", "wire_payload_length"),
        ("truncate_header", "wire_too_short"),
        ("corrupt", "wire_payload_crc"),
        ("corrupt_header", None),
    ],
)
def test_broken_bytes_are_refused_by_the_wire(kind: str, reason: str | None) -> None:
    for seed in range(50):
        frame = struck(kind, seed)
        with pytest.raises(WireError) as refused:
            decode(*frame.parts(), Limits())
        assert reason in (None, refused.value.reason)
        assert (refused.value.key is not None) == frame.is_frame


@pytest.mark.parametrize(
    "kind", sorted(set(MESSAGE_KINDS) - {"truncate", "truncate_header", "corrupt", "corrupt_header"})
)
def test_all_other_faults_are_sound_messages(kind: str) -> None:
    frame, whole = struck(kind), sound(2)
    message = decode(*frame.parts(), Limits())
    assert message.header.key == whole.header.key
    changes = {"drop", "duplicate", "delay", "stale", "clock_step", "frozen", "black", "saturated", "hot_pixels"}
    changes |= {"wrong_size", "too_large"}
    assert (frame != whole) == (kind in changes or kind.startswith("box_"))


def test_a_stale_frame_is_older_and_a_frozen_one_shows_the_frame_before() -> None:
    assert sound().header.exposure_start_ns - struck("stale").header.exposure_start_ns > 1_000_000_000
    assert struck("frozen").payload == sound(1).payload
    assert max(struck("black").payload) <= 3
    assert min(struck("saturated").payload) >= 250


def test_a_frozen_frame_of_another_size_is_a_sound_message() -> None:
    whole, payload = sound(2), bytes(24 * 32)
    before = replace(
        whole,
        payload=payload,
        header=altered(
            whole.header, frame_id=1, width=32, height=24, stride=32, pixel_format=PixelFormat.Mono8,
            box=(1.0, 2.0, 30.0, 20.0), payload_bytes=len(payload), payload_crc32=zlib.crc32(payload),
        ),
    )  # fmt: skip
    frozen = strike(whole, before, Injection(2, "frozen", 7), EVERY, stale_ms=1000)
    header = decode(*frozen.parts(), Limits()).header
    assert header.key == whole.header.key
    assert header.exposure_start_ns == whole.header.exposure_start_ns
    assert (header.width, header.height, header.box, frozen.payload) == (32, 24, (1.0, 2.0, 30.0, 20.0), payload)


def test_what_the_network_holds_back_is_sent_at_once() -> None:
    faults = [Injection(4, "stall", 0, 5), Injection(12, "reorder", 0, 2), Injection(16, "delay", 0, 4)]
    setup = StreamSetup("data", rate_hz=20)
    clean = timeline(setup, 24, 20, 3, (), None)
    exposed, due = timeline(setup, 24, 20, 3, faults, EVERY)
    assert (exposed == clean[0]).all()
    assert set(due[4:9]) == {clean[1][8]}
    assert due[12] > due[13]
    assert due[16] - clean[1][16] == EVERY.delay_ms * 1e6
    assert (np.delete(due, [4, 5, 6, 7, 12, 16]) == np.delete(clean[1], [4, 5, 6, 7, 12, 16])).all()


def test_the_full_plan_has_a_thousand_of_each() -> None:
    faults = plans.read(CONFIGS / "faults_full.yaml").faults
    assert all(faults.get(kind, 0) >= 1000 for kind in MESSAGE_KINDS)
    assert all(faults.get(kind, 0) >= 30 for kind in PROCESS_KINDS)
    short = schedule(plans.read(CONFIGS / "faults_short.yaml"), 10)
    assert short.frames / 10 < 120
    assert {each.kind for each in short.injections} == {*MESSAGE_KINDS, *PROCESS_KINDS}


def test_a_fault_that_there_is_not_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    path.write_text("seed: 1\nfaults: {meteor: 3}\n")
    with pytest.raises(InputError, match="meteor"):
        plans.read(path)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("{seed: -1, faults: {drop: 1}}", "seed: -1"),
        ("{seed: 1, faults: {drop: -1}}", "-1"),
        ("{seed: 1, faults: {dropp: 1}}", "'dropp' is no fault; there are drop"),
    ],
)
def test_what_is_wrong_with_a_plan_is_named(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "plan.yaml").write_text(text)
    with pytest.raises(InputError, match=word):
        plans.read(tmp_path / "plan.yaml")

"""A sender whose clock drifts against this host's is told of before its frames are stale."""

import random
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from onboard.event import Events
from onboard.fly.clock import ClockWatch
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.summary import Summary
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

RUN = b"0123456789abcdef"
MS, S = 1_000_000, 1_000_000_000


def flown(ppm: float, minutes: int, limit_ms: float | None = 5.0, offset_ms: float = 0.0) -> tuple[ClockWatch, Events]:
    """A watch of frames at 10 Hz with a link of 2 to 40 ms, whose sender's clock is slower by so much."""
    events = Events()
    watch, draw = ClockWatch(offset_ms, limit_ms, events), random.Random(0)
    for n in range(minutes * 600 + 1):
        at = n * S // 10
        sent = at - round(at * ppm / 1e6) - round(offset_ms * MS)
        watch.look(at + 2 * MS + draw.randrange(38 * MS), sent)
    return watch, events


def test_clocks_that_go_together_are_not_complained_of_and_the_least_delay_is_known() -> None:
    watch, events = flown(0.0, 60, offset_ms=1e6)
    assert events.take() == []
    assert watch.as_dict() == {
        "least_delay_ms": pytest.approx(2.0, abs=0.2),
        "at_first_ms": pytest.approx(2.0, abs=0.2),
        "limit_ms": 5.0,
    }


@pytest.mark.parametrize("ppm", [20.0, -20.0])
def test_a_clock_that_drifts_by_two_seconds_a_day_is_told_within_minutes(ppm: float) -> None:
    assert flown(ppm, 3)[1].take() == []
    watch, events = flown(ppm, 8)
    told = events.take()
    assert {each.name for each in told} == {"clock_drift"}
    assert len(told) <= 4  # once a minute, and not before it moved by 5 ms
    assert watch.as_dict()["least_delay_ms"] == pytest.approx(2.0 + ppm * 7 * 60e-3, abs=1.5)
    assert flown(ppm, 60, limit_ms=None)[1].take() == []


def test_frames_without_a_stamp_say_nothing() -> None:
    watch = ClockWatch(0.0, 5.0, Events())
    for at in range(0, 600 * S, S):
        watch.look(at, None)
    assert watch.as_dict() == {"least_delay_ms": None, "at_first_ms": None, "limit_ms": 5.0}


def test_a_node_tells_of_a_sender_that_drifts(
    configured: Callable[..., NodeConfig], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onboard.fly.clock._WINDOW_NS", 0)  # each frame is a minute of its own
    config = configured(stale_ms=None, clock_drift_ms=5000)
    with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer, parts_of(config) as parts:
        loop, told = Loop(parts), []
        for n, behind_s in enumerate((0, 1, 20, 0)):
            header, payload = message(RUN, n, picture(n), age_ms=20_000)
            sent_ns = header.sent_ns + (20 - behind_s) * S
            writer.write(msgspec.structs.replace(header, sent_ns=sent_ns), payload)
            loop.turn(5.0)
            told.append(parts.log.counts["clock_drift"])
        assert told == [0, 0, 0, 1]  # a minute is judged when the next one begins
        page = Summary(parts).write()
        assert page["clock"]["least_delay_ms"] > 15_000 > page["clock"]["at_first_ms"]

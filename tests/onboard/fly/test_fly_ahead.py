"""A camera that is faster than the engine: the next frame is taken while the engine works, and nothing else changes."""

import gc
import itertools
import json
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from onboard.detector import Detector
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop, Parts
from onboard.fly.opening import parts_of
from onboard.sources import Source, Taken
from onboard.sources.ring_writer import RingWriter
from onboard.wire import encode
from tests.onboard.fly.conftest import BOX, message, picture

zmq = pytest.importorskip("zmq")
RUN = b"0123456789abcdef"
Configured = Callable[..., NodeConfig]


class Filmed:
    """A source whose camera has sent three frames more whenever it is looked at."""

    def __init__(self, inner: Source, send: Callable[[int], None]) -> None:
        self._inner, self._send, self._ids = inner, send, itertools.count()
        self.ended, self.close = False, inner.close
        self._film()

    def take(self, timeout_s: float) -> Taken:
        taken = self._inner.take(timeout_s)
        self._film()
        return taken

    def _film(self) -> None:
        for frame_id in itertools.islice(self._ids, 3):
            self._send(frame_id)


@contextmanager
def sender(tmp_path: Path, kind: str) -> Iterator[tuple[dict[str, Any], Callable[[int], None]]]:
    """The configuration of a source, and what sends it a frame, at once: one that takes its time is not ahead."""
    messages = [message(RUN, n, picture(n)) for n in range(60)]
    if kind == "stream":
        with zmq.Context() as context, context.socket(zmq.PUSH) as socket:
            port = socket.bind_to_random_port("tcp://127.0.0.1")

            def send(n: int) -> None:
                header, payload = messages[n]
                socket.send_multipart([encode(header), payload])

            yield {"kind": "stream", "endpoint": f"tcp://127.0.0.1:{port}", "bind": False}, send
        return
    with RingWriter(tmp_path / "camera", 64, 96 * 96 * 3) as writer:
        ring = {"kind": "ring", "path": str(tmp_path / "camera"), "copy": kind == "ring"}
        yield ring, lambda n: writer.write(*messages[n])


def fly_for(parts: Parts, send: Callable[[int], None], turns: int, each_turn: Callable[[], None]) -> None:
    """A number of turns with such a camera, and the settling at their end."""
    parts.source = Filmed(parts.source, send)
    left = iter(range(turns, -1, -1))
    Loop(parts).run(lambda: next(left) == 0, each_turn)


def verdicts(tmp_path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["ring", "in place", "stream"])
def test_every_frame_has_one_end_and_the_answer_to_its_own_pixels(
    configured: Configured, slow: Path, tmp_path: Path, kind: str
) -> None:
    turn = itertools.count(1)

    def pause() -> None:
        parts.paused = next(turn) in (6, 7)  # between two turns, as a command does it, with a frame taken already

    with sender(tmp_path, kind) as (source, send), parts_of(configured(bundle=str(slow), source=source)) as parts:
        fly_for(parts, send, 12, pause)
        received = {entry.frame_id: entry.status for entry in parts.journal.entries()}
        totals = parts.account.totals()
    told = verdicts(tmp_path)
    assert {each["frame_id"]: each["status"] for each in told} == received
    assert len(told) == len(received) == sum(totals)
    ids = [each["frame_id"] for each in told]
    assert ids == sorted(ids)
    assert {each["reason"] for each in told} == {None, "superseded", "paused"}
    assert sum(each["reason"] == "paused" for each in told) == 2
    answered = [each for each in told if each["status"] == "ANSWERED"]
    assert sum(each["stage_ns"]["window"] < 2000 for each in answered) >= 2  # cut before their turn came
    detector = Detector.load(slow)
    for each in answered:
        assert each["logit"] == detector(picture(each["frame_id"]), BOX).logit


def test_altered_pixels_and_another_bundle_are_noticed_as_ever(
    configured: Configured, slow: Path, small: Path, tmp_path: Path
) -> None:
    def spoil(n: int) -> None:
        send(n)
        if n % 2:  # a bit turns in every other slot, before anybody looks at it
            memory = np.memmap(tmp_path / "camera", np.uint8, "r+")
            memory[memory.tobytes().rindex(picture(n).tobytes()) + 20] ^= 1

    turn = itertools.count(1)

    def change() -> None:
        if (now := next(turn)) == 5:
            parts.guard.told.change(str(small))
        if now == 8:
            time.sleep(1.0)  # until it has been loaded

    with (
        sender(tmp_path, "in place") as (source, send),
        parts_of(configured(bundle=str(slow), source=source)) as parts,
    ):
        fly_for(parts, spoil, 14, change)
        assert parts.log.counts["bundle_changed"] == 1
    worked_on = [each for each in verdicts(tmp_path) if each["reason"] != "superseded"]
    assert {each["reason"] for each in worked_on if each["frame_id"] % 2} == {"wire_payload_crc"}
    detectors = {each.bundle.sha256: each for each in (Detector.load(slow), Detector.load(small))}
    answered = [each for each in worked_on if each["frame_id"] % 2 == 0]
    assert {each["bundle"] for each in answered} == set(detectors)
    for each in answered:
        assert each["logit"] == detectors[each["bundle"]](picture(each["frame_id"]), BOX).logit


def test_what_was_prepared_keeps_no_engine_alive_whose_place_another_one_takes(
    configured: Configured, slow: Path, tmp_path: Path
) -> None:
    """A GPU may not have room for both."""
    with (
        sender(tmp_path, "in place") as (source, send),
        parts_of(configured(bundle=str(slow), source=source)) as parts,
    ):
        engine = weakref.ref(parts.guard.flown.detector.engine)
        parts.source = Filmed(parts.source, send)
        loop = Loop(parts)
        for _ in range(6):
            loop.turn(1.0)
        assert loop._look_ahead.holds_frames
        parts.guard._seat.take_out()
        gc.collect()
        assert engine() is None

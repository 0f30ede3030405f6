"""The ring in shared memory: a real camera process that is killed and started again, slots that are written again."""

import multiprocessing
import os
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from onboard.messages import Status
from onboard.sources import Settled, Source, SourceFrame, Taken, open_source
from onboard.sources.config import RingConfig
from onboard.sources.ring_layout import Layout
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Limits, PixelFormat

RUN = b"0123456789abcdef"
Make = Callable[..., tuple]
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork.*:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    place = Path("/dev/shm") / f"debris-test-{os.getpid()}"
    yield place
    place.unlink(missing_ok=True)


@pytest.fixture
def source(path: Path) -> Iterator[Source]:
    made = open_source(RingConfig(str(path), silence_s=0.2))
    yield made
    made.close()


def camera(path: Path, make: Make) -> None:
    """A process that writes a frame every 2 ms, as fast cameras do, until it is killed."""
    writer, run, frame_id = RingWriter(path, 3, 36), uuid.uuid4().bytes, 0
    while True:
        writer.write(*make(run, frame_id))
        frame_id += 1
        time.sleep(0.002)


def has_frame(taken: Taken) -> bool:
    return any(isinstance(item, SourceFrame) for item in taken.items)


def test_a_camera_process_is_killed_and_started_again(
    path: Path, source: Source, make: Make, until: Callable[..., Taken]
) -> None:
    runs: list[bytes] = []
    for _ in range(3):
        child = multiprocessing.get_context("fork").Process(target=camera, args=(path, make), daemon=True)
        child.start()
        back = until(source, has_frame)
        assert runs == [] or back.items[-1].run != runs[-1]
        for _ in range(20):
            taken = source.take(0.5)
            ids = [item.frame_id for item in taken.items]
            assert ids == sorted(set(ids))
            (frame,) = [item for item in taken.items if isinstance(item, SourceFrame)]
            assert (frame.pixels == frame.frame_id % 256).all()
        child.kill()
        child.join()
        runs.append(frame.run)
        lost = until(source, lambda taken: any(event.name == "source_lost" for event in taken.events))
        assert all(item.run == runs[-1] for item in lost.items)
    assert len(set(runs)) == 3
    assert path.exists()  # a reader that ends, or a writer that is killed, takes nothing away


def test_what_was_passed_over_is_named_and_what_was_overwritten_is_a_gap(
    path: Path, source: Source, make: Make
) -> None:
    with RingWriter(path, 3, 36) as writer:
        writer.write(*make(RUN, 0))
        assert [item.frame_id for item in source.take(0).items or source.take(0).items] == [0]
        for frame_id in range(1, 8):
            writer.write(*make(RUN, frame_id, PixelFormat.Mono8 if frame_id == 7 else PixelFormat.RGB8))
        taken = source.take(0)
    assert [(item.frame_id, isinstance(item, SourceFrame)) for item in taken.items] == [
        (5, False),
        (6, False),
        (7, True),
    ]
    assert isinstance(taken.items[0], Settled)
    assert (taken.items[0].status, taken.items[0].reason) == (Status.SKIPPED, "superseded")
    assert [(event.name, "1 to 4" in event.detail) for event in taken.events] == [("gap", True)]
    assert source.take(0.01).items == ()


def test_a_slot_that_is_being_written_is_left_alone(path: Path, source: Source, make: Make) -> None:
    with RingWriter(path, 3, 36) as writer:
        for frame_id in range(3):
            writer.write(*make(RUN, frame_id))
        data = np.memmap(path, np.uint64, "r+")
        data[Layout(3, 36).offset(3) // 8] += 1  # as a writer leaves it that dies here
        taken = source.take(0)
        taken = taken if taken.items else source.take(0)
    assert [(item.frame_id, isinstance(item, SourceFrame)) for item in taken.items] == [(0, False), (1, True)]


@pytest.mark.parametrize("checksum", [True, False])
@pytest.mark.parametrize("kind", ["copied", "in place", "converted"])
def test_altered_pixels_are_rejected_where_the_checksum_is_asked_for(
    path: Path, make: Make, checksum: bool, kind: str
) -> None:
    with RingWriter(path, 3, 36) as writer:
        writer.write(*make(RUN, 0, PixelFormat.Mono8 if kind == "converted" else PixelFormat.RGB8))
        data = np.memmap(path, np.uint8, "r+")
        data[Layout(3, 36).offset(1) + 200] ^= 1
        source = open_source(RingConfig(str(path), checksum=checksum, copy=kind != "in place"))
        (frame,) = source.take(0).items or source.take(0).items
        assert isinstance(frame, SourceFrame)
        flaw = frame.flaw()
    source.close()
    assert (flaw and (flaw.status, flaw.reason)) == ((Status.REJECTED, "wire_payload_crc") if checksum else None)


def test_pixels_used_in_place_tell_when_they_were_overwritten(path: Path, make: Make) -> None:
    source = open_source(RingConfig(str(path), copy=False))
    with RingWriter(path, 3, 36) as writer:
        writer.write(*make(RUN, 0))
        (frame,) = source.take(0).items or source.take(0).items
        assert isinstance(frame, SourceFrame)
        for frame_id in (1, 2):
            writer.write(*make(RUN, frame_id))
        assert (frame.pixels == 0).all()
        assert frame.flaw() is None
        writer.write(*make(RUN, 3))
        flaw = frame.flaw()
        assert flaw is not None
        assert (flaw.status, flaw.reason) == (Status.SKIPPED, "overwritten")


def test_a_frame_over_the_limits_is_rejected_by_name(path: Path, make: Make) -> None:
    source = open_source(RingConfig(str(path), limits=Limits(width_px=3)))
    with RingWriter(path, 3, 36) as writer:
        writer.write(*make(RUN, 5))
        (item,) = source.take(0).items or source.take(0).items
    assert isinstance(item, Settled)
    assert (item.frame_id, item.status, item.reason) == (5, Status.REJECTED, "wire_size")


@pytest.mark.parametrize("contents", [b"", b"notes", bytes(100_000), None], ids=["empty", "notes", "zeros", "pipe"])
def test_what_is_no_ring_is_said_once_and_waited_for(
    path: Path, source: Source, make: Make, until: Callable[..., Taken], contents: bytes | None
) -> None:
    if contents is None:
        os.mkfifo(path)
    else:
        path.write_bytes(contents)
    events = [event.name for _ in range(20) for event in source.take(0.02).events]
    assert events.count("no_ring") == 1
    with RingWriter(path, 3, 36) as writer:
        writer.write(*make(RUN, 0))
        assert has_frame(until(source, has_frame))

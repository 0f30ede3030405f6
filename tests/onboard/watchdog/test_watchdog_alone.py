"""The watchdog and systemd's socket by themselves, without a node: who is late, who hung, and that nothing waits."""

import os
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from onboard.errors import InputError
from onboard.event import Event
from onboard.watchdog import Pings, Systemd, Watchdog, WatchdogConfig


@contextmanager
def no_stderr(full: bool) -> Iterator[None]:
    """A stderr that takes nothing: closed, or a full pipe that nobody reads."""
    kept, (reader, writer), stderr = os.dup(2), os.pipe(), os.fdopen(2, "w", closefd=False)
    if full:
        os.dup2(writer, 2)
        os.set_blocking(writer, False)
        with suppress(BlockingIOError):
            while True:
                os.write(writer, bytes(1 << 12))
        os.set_blocking(writer, True)
    else:
        os.close(2)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sys.stderr", stderr)  # pytest's own lies elsewhere
            yield
    finally:
        os.dup2(kept, 2)
        for each in (kept, writer, reader):  # a line that still waits fails now, for its reader has gone
            os.close(each)


@pytest.mark.parametrize("full", [False, True])
def test_a_second_part_is_named_and_a_stderr_that_takes_nothing_holds_up_nothing(full: bool) -> None:
    config = WatchdogConfig(period_s=0.01, storage_s=0.01, archive_s=0.5, hung_after=3)
    pings, said = Pings(config), list[tuple[str, set[str]]]()
    watching = Watchdog(pings, Systemd(None), config, lambda event, late: said.append((event.name, set(late))))
    with no_stderr(full), watching as watchdog:
        parts = [pings.add("storage"), pings.add("archive")]
        end = time.monotonic() + 5
        while len(said) < 3 and time.monotonic() < end:
            time.sleep(0.005)
        while said[-1][0] != "part_back" and time.monotonic() < end:
            for part in parts:
                part.answer()
            time.sleep(0.001)
        assert watchdog._thread.is_alive()
    first, both = {"storage"}, {"storage", "archive"}
    assert said[:3] == [("part_late", first), ("part_hung", first), ("part_late", both)]


class Scripted:
    """Parts that are late as written down, one asking after another."""

    def __init__(self, *late: str) -> None:
        self._late = iter(late)

    def late(self) -> dict[str, float]:
        return dict.fromkeys(next(self._late).split(), 1.0)


@pytest.mark.parametrize(
    ("hung_after", "late", "expected"),
    [
        (3, ["A", "A", "A", "A B", "B", "B", "B", ""], ["late A", "hung A", "late A B", "hung B", "back"]),
        (3, ["A", "A B", "A B", "A B", "A"], ["late A", "late A B", "hung A", "hung A B"]),
        (3, ["A", "A", "A B"], ["late A", "late A B", "hung A"]),  # one hangs, and one is late, at one asking
        (3, ["A", "A", "B", "A", "A", "A"], ["late A", "late B", "late A", "hung A"]),  # not in a row at first
        (1, ["A", "A"], ["hung A"]),
    ],
)
def test_each_part_hangs_by_itself(hung_after: int, late: list[str], expected: list[str]) -> None:
    said = list[str]()

    def say(event: Event, _: object) -> None:
        said.append(" ".join([event.name.removeprefix("part_"), *re.findall(r"(\w) for", event.detail)]))

    watchdog = Watchdog(Scripted(*late), Systemd(None), WatchdogConfig(hung_after=hung_after), say)  # type: ignore[arg-type]
    for _ in late:
        watchdog._look()
    assert said == expected


def test_a_stroke_that_systemd_does_not_take_is_told_once(tmp_path: Path) -> None:
    said, systemd = list[str](), Systemd(str(tmp_path / "nobody"), 1.0)
    parts = Scripted(*[""] * 5)
    watchdog = Watchdog(parts, systemd, WatchdogConfig(), lambda event, _: said.append(event.name))  # type: ignore[arg-type]
    for _ in range(2):
        watchdog._look()
    assert said == ["stroke_unheard"]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "nobody"))
        watchdog._look()
    for _ in range(2):
        watchdog._look()  # nobody again
    assert said == ["stroke_unheard"] * 2


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"NOTIFY_SOCKET": "vsock:2:1234"}, "NOTIFY_SOCKET: 'vsock:2:1234' is neither a path"),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}, "WATCHDOG_USEC: 'soon' is no number"),
        ({"WATCHDOG_USEC": "0"}, "WATCHDOG_USEC: '0' is no number"),
    ],
)
def test_an_environment_that_makes_no_sense_is_refused(environment: dict[str, str], says: str) -> None:
    with pytest.raises(InputError, match=says):
        Systemd.from_environment(environment)


def test_without_systemd_and_with_a_deaf_one_nothing_waits(tmp_path: Path) -> None:
    assert Systemd.from_environment({}).watchdog_s is None
    assert Systemd.from_environment({}).tell("READY=1")
    other = {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}  # meant for another process
    assert Systemd.from_environment(other).watchdog_s is None
    assert not Systemd(str(tmp_path / "nobody")).tell("WATCHDOG=1")
    deaf = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    deaf.bind(str(tmp_path / "deaf"))
    systemd, start = Systemd(str(tmp_path / "deaf"), 1.0), time.monotonic()
    assert not all(systemd.tell("WATCHDOG=1") for _ in range(2000))
    assert time.monotonic() - start < 1.0
    deaf.close()

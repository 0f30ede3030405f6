"""Work beside the loop: what came of it is fetched once, and it does not share the loop's own core."""

import os
import threading
import time
import weakref

import pytest

from onboard.health.beside import Beside


def test_what_came_of_the_work_is_fetched_once_also_an_error() -> None:
    beside: Beside[int] = Beside()
    for work, came in ((lambda: 7, "7"), (lambda: 1 // 0, "integer division or modulo by zero")):
        beside.start(work)
        assert beside.busy
        beside.wait(5.0)
        assert (str(beside.take()), beside.take(), beside.busy) == (came, None, False)


def test_abandoned_work_makes_room_and_what_comes_of_it_is_fetched_apart() -> None:
    beside, goes_on = Beside[int](), threading.Event()
    beside.start(lambda: 1 if goes_on.wait(5) else 0)
    beside.abandon()
    beside.start(lambda: 2)
    end = time.monotonic() + 5
    while (found := beside.take()) is None:
        assert time.monotonic() < end
    assert (found, beside.take_abandoned(), beside.busy) == (2, [], False)
    goes_on.set()
    beside.wait(5.0)
    assert (beside.take(), beside.take_abandoned(), beside.take_abandoned()) == (None, [1], [])


def test_an_error_keeps_nothing_of_the_work_in_memory() -> None:
    beside: Beside[int] = Beside()
    half_made: list[weakref.ref[threading.Event]] = []

    def work() -> int:
        engine = threading.Event()
        half_made.append(weakref.ref(engine))
        try:
            return 1 // 0
        except ZeroDivisionError as error:
            raise ValueError(str(engine)) from error

    beside.start(work)
    beside.wait(5.0)
    found = beside.take()
    assert isinstance(found, ValueError)
    assert half_made[0]() is None


def test_it_may_use_the_cores_that_the_loop_has_left() -> None:
    cores = os.sched_getaffinity(0)
    if len(cores) < 2:
        pytest.skip("one core: nothing to tell")
    beside: Beside[set[int]] = Beside()
    os.sched_setaffinity(0, {min(cores)})  # as realtime.cores does to the loop's thread
    try:
        beside.start(lambda: os.sched_getaffinity(0))
        beside.wait(5.0)
    finally:
        os.sched_setaffinity(0, cores)
    assert beside.take() == cores

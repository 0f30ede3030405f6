"""Work beside the loop: what came of it is fetched once, and it does not share the loop's own core."""

import os

import pytest

from onboard.health.beside import Beside


def test_what_came_of_the_work_is_fetched_once_also_an_error() -> None:
    beside: Beside[int] = Beside()
    for work, came in ((lambda: 7, "7"), (lambda: 1 // 0, "integer division or modulo by zero")):
        beside.start(work)
        assert beside.busy
        beside.wait(5.0)
        assert (str(beside.take()), beside.take(), beside.busy) == (came, None, False)


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

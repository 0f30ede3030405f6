"""The thread beside the loop: what it is told to do last may hang, and the end does not wait for it."""

import threading
import time

import pytest

from onboard.helper import Helper


def test_the_end_waits_for_a_job_and_leaves_one_behind_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    helper: Helper[None] = Helper("test")
    helper.begin(lambda: time.sleep(0.05) or done.append(1))
    helper.close()
    assert done == [1]

    monkeypatch.setattr("onboard.helper._CLOSE_S", 0.05)
    ever, ended = threading.Event(), threading.Event()
    hanging: Helper[bool] = Helper("test")
    hanging.begin(lambda: ever.wait(60))
    closing = threading.Thread(target=lambda: (hanging.close(), ended.set()), daemon=True)
    closing.start()
    try:
        assert ended.wait(20)
    finally:
        ever.set()

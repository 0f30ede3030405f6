"""What the loop asks of the kernel, in processes of their own: one that may, one that may not."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).parents[3]
ASK = """
import json, os, resource, sys, threading
from onboard.event import Events
from onboard.fly.realtime import RealtimeConfig, ask_for
if sys.argv[1] == "may not":
    resource.setrlimit(resource.RLIMIT_RTPRIO, (0, 0))
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))
    if os.getuid() == 0:
        os.setuid(65534)
cores = (4000,) if sys.argv[1] == "may not" else (0,)
events, later, end = Events(), [], threading.Event()
helper = threading.Thread(target=end.wait, daemon=True)
helper.start()
ask_for(RealtimeConfig(priority=5, cores=cores, lock_memory=True), events, [helper.native_id])
thread = threading.Thread(target=lambda: later.append(os.sched_getscheduler(0)))
thread.start()
thread.join()
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
told = {event.name: event.detail for event in events.take()}
print(json.dumps({"events": told, "policy": os.sched_getscheduler(0) & 7, "later": later,
                  "helper": os.sched_getscheduler(helper.native_id) & 7,
                  "cores": sorted(os.sched_getaffinity(0)), "locked_kb": int(status["VmLck"].split()[0])}))
"""


def asked(how: str) -> dict[str, Any]:
    command = [sys.executable, "-c", ASK, how]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_what_is_not_permitted_is_told_with_its_remedy() -> None:
    got = asked("may not")
    assert (got["policy"], got["locked_kb"]) == (os.SCHED_OTHER, 0)
    assert "LimitRTPRIO=5" in got["events"]["priority_refused"]
    assert "LimitMEMLOCK=infinity" in got["events"]["memory_not_locked"]
    assert "this machine has cores 0" in got["events"]["cores_refused"]


def test_what_is_permitted_is_done_for_this_thread_and_its_helpers_alone() -> None:
    got = asked("may")
    if set(got["events"]) & {"priority_refused", "memory_not_locked"}:
        pytest.skip("this user may not")
    assert got["events"] == {}
    assert (got["policy"], got["later"], got["cores"]) == (os.SCHED_FIFO, [os.SCHED_OTHER], [0])
    assert got["helper"] == os.SCHED_FIFO
    assert got["locked_kb"] > 1000

"""A real node is killed with SIGKILL again and again while a real camera writes: the ledger balances."""

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from onboard import strict_yaml
from onboard.fly.config import NodeConfig
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

REPOSITORY = Path(__file__).parents[3]
RUN = b"0123456789abcdef"
KILLS = 4


@pytest.fixture
def written(tmp_path: Path) -> Iterator[list[int]]:
    """Ids of the frames that a camera has written so far, one every 2 ms; each eleventh id never comes."""
    ids: list[int] = []
    stop = threading.Event()

    def camera() -> None:
        pictures = [picture(seed) for seed in range(7)]
        with RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
            frame_id = 0
            while not stop.wait(0.002):
                frame_id += 2 if frame_id % 11 == 9 else 1
                ids.append(frame_id)
                box = None if frame_id % 5 == 0 else (20.0, 20.0, 60.0, 60.0)
                writer.write(*message(RUN, frame_id, pictures[frame_id % 7], box))

    thread = threading.Thread(target=camera)
    thread.start()
    yield ids
    stop.set()
    thread.join()


def test_the_ledger_balances_through_kills_and_a_clean_end(
    configured: Callable[..., NodeConfig], slow: Path, tmp_path: Path, written: list[int]
) -> None:
    config = configured(bundle=str(slow), journal__records=16384, output__summary_s=0.2, sanity__frozen=False)
    path = tmp_path / "kill.yaml"
    path.write_text(strict_yaml.dump(config))
    verdicts, draw = tmp_path / "out" / "verdicts.jsonl", random.Random(0)
    for life in range(KILLS + 1):
        before = verdicts.stat().st_size if verdicts.exists() else 0
        node = subprocess.Popen(
            [sys.executable, "-m", "onboard", "fly", str(path)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
        )
        until = time.monotonic() + 30
        while time.monotonic() < until and (not verdicts.exists() or verdicts.stat().st_size == before):
            time.sleep(0.01)
        time.sleep(draw.uniform(0.1, 0.3))
        node.send_signal(signal.SIGTERM if life == KILLS else signal.SIGKILL)
        said, _ = node.communicate(timeout=20)
        assert node.returncode == (0 if life == KILLS else -signal.SIGKILL)
    assert "the journal agrees" in said

    snapshot = read_ring(tmp_path / "journal")
    account = snapshot.totals[RUN]
    assert account.open == 0
    assert account.received == account.answered + account.rejected + account.skipped
    ids = [entry.frame_id for entry in snapshot.entries]
    assert len(set(ids)) == len(ids) == account.received  # one record each, for the ring was never overwritten
    assert account.missing == max(ids) - min(ids) + 1 - len(ids)
    assert set(ids) <= set(written)
    assert account.answered > 0
    reasons = [entry.reason for entry in snapshot.entries]
    assert reasons.count("restart") >= 1  # kills did hit frames at work, and those that were begun beside the engine
    by_id = {entry.frame_id: entry for entry in snapshot.entries}
    told = [json.loads(line) for line in verdicts.read_text().splitlines() if line.endswith("}")]
    assert len({each["frame_id"] for each in told}) == len(told)  # no frame has two verdicts
    for each in told:  # and none has a verdict that its record does not know
        entry = by_id[each["frame_id"]]
        assert (entry.status.value if entry.status else None, entry.reason) == (each["status"], each["reason"])
    assert {each["reason"] for each in told if each["frame_id"] % 5 == 0} <= {"no_box", "superseded", "overwritten"}

    page = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (page["complete"], page["journal"]["agrees"]) == (True, True)
    assert page["journal"]["runs"][RUN.hex()] == account._asdict()
    assert page["frames"]["received"] < account.received  # the last life's alone

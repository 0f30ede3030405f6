"""What the journal costs a frame: RECEIVED and terminal record, once its ring is full and every record replaces one.

python -m benchmarks.journal_speed /dev/shm/journal_speed
"""

import argparse
import shutil
import time
from pathlib import Path

import numpy as np

from benchmarks import ending
from onboard import machine
from onboard.journal import Journal
from onboard.messages import Status

_RECORDS, _FRAMES = 16384, 50_000


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path, help="for the ring and its archive; must not exist, is removed afterwards")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True)
    run = bytes(range(16))
    try:
        journal = Journal(folder / "ring", folder / "archive", _RECORDS)
        taken_us = np.zeros(_RECORDS + _FRAMES)
        for frame_id in range(len(taken_us)):
            start = time.perf_counter_ns()
            journal.begin(run, frame_id)
            journal.end(run, frame_id, Status.ANSWERED)
            taken_us[frame_id] = (time.perf_counter_ns() - start) / 1e3
            if frame_id % 8 == 0:
                time.sleep(0.0001)  # as a frame's work would, let the archive's thread run
        lost = [event for event in journal.take_events() if event.name == "archive_lost"]
        journal.close()
        start = time.perf_counter_ns()
        Journal(folder / "ring", folder / "archive", _RECORDS).close()
        opened_ms = (time.perf_counter_ns() - start) / 1e6
    finally:
        shutil.rmtree(folder)
    p50, p99, p999 = np.percentile(taken_us[_RECORDS:], [50, 99, 99.9])
    print(f"begin and end: median {p50:.1f} us, p99 {p99:.1f} us, p99.9 {p999:.1f} us, {_FRAMES} frames")
    print(f"opened after a restart in {opened_ms:.0f} ms; {len(lost)} segments not archived")
    print(machine.describe())


if __name__ == "__main__":
    ending.run(main)

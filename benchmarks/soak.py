"""A long flight with a tiny engine: the node's memory stays flat, and every id has exactly one record or never came.

python -m benchmarks.soak --frames 200000

A real node flies as a process of its own; this one is its camera, and writes 96 x 96 frames into a ring in shared
memory. Ends with code 1 where resident memory grew by more than 5 MB after the warm-up, or the ledger does not balance.
"""

import argparse
import importlib
import json
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import ending
from onboard import machine
from onboard.journal import read_archive
from onboard.journal.reading import read_ring
from onboard.sources.ring_writer import RingWriter
from onboard.wire import Header, PixelFormat

_SIDE, _SLOTS, _RECORDS, _SUMMARY_S = 96, 64, 16384, 2.0
_BOX = (20.0, 20.0, 60.0, 60.0)
_MOST_MB, _WARM_UP = 5.0, 0.1  # share of the frames
_START_S = 60


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--frames", type=int, default=200_000)
    parser.add_argument("--period-ms", type=float, default=1.5, help="from frame to frame (default: 1.5)")
    parser.add_argument("--bundle", help="folder of a flight bundle (default: a tiny one is made)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir="/dev/shm", prefix="debris-soak-") as name:
        folder = Path(name)
        return _soak(folder, Path(options.bundle or _tiny(folder)), options.frames, options.period_ms / 1e3)


def _tiny(folder: Path) -> Path:
    made: Path = importlib.import_module("tests.onboard.small_flight").write_bundle(folder / "bundle")
    return made


def _soak(folder: Path, bundle: Path, frames: int, period_s: float) -> int:
    config = folder / "soak.yaml"
    config.write_text(
        f"bundle: {bundle}\nsource: {{kind: ring, path: {folder / 'camera'}}}\n"
        f"journal: {{ring: {folder / 'journal'}, archive: {folder / 'archive'}, records: {_RECORDS}, "
        "archive_files: 1000000}\n"
        f"output: {{folder: {folder / 'out'}, file_mb: 4, summary_s: {_SUMMARY_S}}}\n"
    )
    run, start = uuid.uuid4().bytes, time.monotonic()
    with RingWriter(folder / "camera", _SLOTS, 3 * _SIDE * _SIDE) as writer:
        node = subprocess.Popen([sys.executable, "-m", "onboard", "fly", str(config)], stdout=subprocess.DEVNULL)
        try:
            _wait_for(folder / "out" / "events.jsonl", node)
            resident_mb = _film(writer, run, frames, period_s, node.pid)
            time.sleep(1.0)
        finally:
            node.send_signal(signal.SIGTERM)
            code = node.wait(60)
    page = json.loads((folder / "out" / "summary.json").read_text())
    print(f"{time.monotonic() - start:.0f} s; {machine.describe()}")
    return _judged(folder, run, frames, resident_mb, page) or code


def _wait_for(path: Path, node: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_S
    while not (path.exists() and path.stat().st_size):
        if node.poll() is not None or time.monotonic() > until:
            raise SystemExit("the node did not start")
        time.sleep(0.05)


def _film(writer: RingWriter, run: bytes, frames: int, period_s: float, pid: int) -> list[float]:
    """Write all frames; gives the node's resident memory, MB, at each hundredth of them."""
    coarse = np.random.default_rng(0).integers(20, 256, (7, 8, 8, 3)).astype(np.uint8)
    pictures = [memoryview(each.repeat(12, 0).repeat(12, 1).tobytes()) for each in coarse]
    resident_mb, start = [], time.monotonic()
    for n in range(frames):
        if n % max(1, frames // 100) == 0:
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
            resident_mb.append(pages * 4096 / 1e6)
        if n % max(1, frames // 10) == 0:
            print(f"  {n:8d} frames, {resident_mb[-1]:.1f} MB", flush=True)
        now = time.monotonic_ns()
        writer.write(_header(run, n, now), pictures[n % 7])
        time.sleep(max(0.0, start + (n + 1) * period_s - time.monotonic()))
    return resident_mb


def _header(run: bytes, frame_id: int, now: int) -> Header:
    return Header(
        run, frame_id, now, now, now, _SIDE, _SIDE, 3 * _SIDE, PixelFormat.RGB8, _BOX, "detector",
        3 * _SIDE * _SIDE, 0,
    )  # fmt: skip


def _judged(folder: Path, run: bytes, frames: int, resident_mb: list[float], page: dict[str, Any]) -> int:
    """Print what was found; 0 where memory is flat and the ledger balances."""
    warm = resident_mb[round(_WARM_UP * len(resident_mb)) :]
    grown = max(warm) - warm[0]
    entries = {entry.sequence: entry for entry in read_ring(folder / "journal").entries}
    for path in (folder / "archive").glob("journal-*.drj"):
        entries |= {entry.sequence: entry for entry in read_archive(path)}
    ids = [entry.frame_id for entry in entries.values() if entry.run == run]
    account, counts = page["journal"]["runs"][run.hex()], page["frames"]
    ended = all(entry.status is not None for entry in entries.values())
    never_came = frames - len(ids)
    balanced = (
        len(set(ids)) == len(ids) == account["received"] == counts["received"]
        and ended
        and account["missing"] == max(ids) - min(ids) + 1 - len(ids)
        and page["journal"]["agrees"]
    )
    rejected, skipped = sum(counts["rejected"].values()), sum(counts["skipped"].values())
    print(f"{frames} written, {len(ids)} received, {never_came} overwritten in the ring before they were seen")
    print(f"{counts['answered']} answered, {rejected} rejected, {skipped} skipped")
    print(f"one record for each of {len(set(ids))} ids: {'yes' if balanced else 'NO'}")
    print(f"resident memory {warm[0]:.1f} MB after the warm-up, {max(warm):.1f} MB at most: grown by {grown:.1f} MB")
    return 0 if balanced and grown <= _MOST_MB else 1


if __name__ == "__main__":
    ending.run(main)

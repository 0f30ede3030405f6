"""A node that is started on a full disk flies: the bench found one that did not."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil_tests.bench import disk as disks
from hil_tests.bench.disk import small_disk
from onboard import image, strict_yaml
from tests.conftest import draw_object
from tests.onboard import small_flight


def test_a_node_starts_while_its_disk_is_full(tmp_path: Path) -> None:
    disk = small_disk(tmp_path / "out")
    try:
        if "ENOSPC" not in disk.how:
            pytest.skip("mounting a small disk needs root")
        small_flight.write_bundle(tmp_path / "bundle", (64, 256))
        image.write(tmp_path / "frames" / "a.png", draw_object(1, False)[0])
        (tmp_path / "frames" / "boxes.csv").write_text("filename,x_min,y_min,x_max,y_max\na.png,20,20,90,80\n")
        settings = {
            "bundle": str(tmp_path / "bundle"),
            "source": {"kind": "folder", "folder": str(tmp_path / "frames")},
            "journal": {"ring": str(tmp_path / "ring")},
            "output": {"folder": str(tmp_path / "out")},
        }
        (tmp_path / "node.yaml").write_text(strict_yaml.dump(settings))
        summary = tmp_path / "out" / "summary.json"
        summary.write_text('{"of": "an earlier flight"}')
        disk.fill(os.getpid())
        command = [sys.executable, "-m", "onboard", "fly", str(tmp_path / "node.yaml")]
        node = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        reached = False
        while node.poll() is None:
            reached = reached or disk.reached_by(node.pid)
            time.sleep(0.002)
        said, errors = node.communicate()
        assert (node.returncode, errors, reached) == (0, "", True)
        assert "1  ANSWERED" in said
        assert said.splitlines()[-1] == f"summary: {summary} could not be written"
        assert not disk.reached_by(node.pid)
        disk.free(os.getpid())
    finally:
        disk.close()


def test_a_node_that_has_died_needs_no_limit() -> None:
    gone = subprocess.Popen([sys.executable, "-S", "-c", ""])
    gone.wait()
    limit = disks._FileLimit()
    limit.fill(gone.pid)
    limit.free(gone.pid)
    assert not limit.for_all

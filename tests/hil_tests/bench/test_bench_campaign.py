"""Real benches and nodes on loopback: a protection that is gone is noticed, a killed bench leaves nothing behind."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hil_tests import __main__ as program
from hil_tests.bench import config, pictures, sabotage
from onboard import strict_yaml
from tests.conftest import Drawn
from tests.onboard import small_flight


@pytest.fixture(scope="module")
def bench_file(drawn: Drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A campaign with a small network, at 50 frames a second."""
    folder = tmp_path_factory.mktemp("bench")
    small_flight.write_bundle(folder / "bundle", (64, 256), centred=True)
    bounds = [{"figure": "ledger_errors", "at_most": 0}, {"figure": "loss_share", "at_most": 0}]
    (folder / "limits.yaml").write_text(strict_yaml.dump({"limits": bounds}))
    setup = {
        "stream": {"data": str(drawn.root), "pictures": 10, "rate_hz": 50},
        "node": {"bundle": str(folder / "bundle")},
        "limits": str(folder / "limits.yaml"),
        "frames": 50,
    }
    (folder / "bench.yaml").write_text(strict_yaml.dump(setup))
    return folder / "bench.yaml"


def test_a_campaign_without_checksums_is_noticed(bench_file: Path, tmp_path: Path) -> None:
    setup = config.load(bench_file)
    shown = pictures.load(Path(setup.stream.data), setup.stream.pictures)
    checksum = next(each for each in sabotage.ALL if each.name == "checksum")
    found = sabotage.compare(setup, shown, checksum, tmp_path)
    assert found.with_it == 0
    assert found.noticed


def test_a_bench_that_is_killed_takes_its_node_with_it(bench_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hil_tests", "bench", str(bench_file), "--out", str(tmp_path)]
    bench = subprocess.Popen(command)
    try:
        until = time.monotonic() + 30
        while not (nodes := children(bench.pid)) and time.monotonic() < until:
            time.sleep(0.05)
    finally:
        bench.kill()
        bench.wait()
    assert nodes
    until = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in nodes):
        assert time.monotonic() < until
        time.sleep(0.05)


def children(pid: int) -> list[int]:
    """Processes that any thread of this one has started."""
    return [int(each) for path in Path(f"/proc/{pid}/task").glob("*/children") for each in path.read_text().split()]


def test_a_node_that_flies_already_and_its_clock(bench_file: Path, tmp_path: Path) -> None:
    """By address: what a bench on another host does, from a recording."""
    recording, ports = tmp_path / "pass.drfm", [f"ipc://{tmp_path / name}" for name in ("frames", "verdicts", "clock")]
    assert program.main(["record", str(bench_file), str(recording)]) == 0
    node = {
        "bundle": str(bench_file.with_name("bundle")),
        "source": {"kind": "stream", "endpoint": ports[0]},
        "journal": {"ring": str(tmp_path / "ring")},
        "output": {"folder": str(tmp_path / "node"), "socket": {"kind": "push", "endpoint": ports[1]}},
    }
    (tmp_path / "node.yaml").write_text(strict_yaml.dump(node))
    setup = {
        "stream": {"data": str(recording), "rate_hz": 50},
        "remote": {
            "frames": ports[0],
            "verdicts": ports[1],
            "clock": ports[2],
            "journal": [sys.executable, "-m", "onboard", "journal", str(tmp_path / "ring"), "--records"],
        },
        "limits": str(bench_file.with_name("limits.yaml")),
        "frames": 50,
    }
    (tmp_path / "bench.yaml").write_text(strict_yaml.dump(setup))
    flying = subprocess.Popen([sys.executable, "-m", "onboard", "fly", str(tmp_path / "node.yaml")])
    clock = subprocess.Popen([sys.executable, "-m", "hil_tests", "clock", ports[2]])
    try:
        assert program.main(["bench", str(tmp_path / "bench.yaml"), "--out", str(tmp_path / "out")]) == 0
    finally:
        flying.terminate()
        clock.terminate()
        flying.wait(10)
        clock.wait(10)
    page = json.loads((tmp_path / "out" / "figures.json").read_text())
    offset_ms = float(page["environment"]["clock offset, ms"].split()[0])
    assert abs(offset_ms) < 5  # one host has one clock
    assert page["figures"]["latency_ms.p50"] > 0


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ({"node.bundle": "nowhere"}, "node.bundle"),
        ({"stream.data": "nowhere"}, "no such data"),
        ({"stream.rate": 3}, "rate"),
        ({"limits": "nowhere.yaml"}, "nowhere.yaml"),
        ({"node.settings": {"stale": 3}}, "stale"),
    ],
)
def test_what_cannot_be_used_is_named(
    bench_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: dict[str, object], word: str
) -> None:
    setup = strict_yaml.parse(bench_file.read_text(), "bench.yaml")
    for dotted, value in spoil.items():
        *place, last = dotted.split(".")
        at = setup
        for key in place:
            at = at[key]
        at[last] = value
    (tmp_path / "bench.yaml").write_text(strict_yaml.dump(setup))
    assert program.main(["bench", str(tmp_path / "bench.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert word in capsys.readouterr().err

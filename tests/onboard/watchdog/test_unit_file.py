"""The unit file in configs/ is one that systemd takes, and goes with the configuration's own limits."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from onboard import helper, strict_yaml
from onboard.fly import shift, storage
from onboard.fly.config import NodeConfig

REPOSITORY = Path(__file__).parents[3]
UNIT = REPOSITORY / "configs" / "debris-rider.service"


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    def verified(path: Path) -> str:
        done = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, timeout=60)
        return done.stderr + done.stdout

    assert verified(UNIT) == ""
    spoiled = tmp_path / UNIT.name
    spoiled.write_text(UNIT.read_text().replace("WatchdogSec=10", "WatchdogSec=soon"))
    assert "Failed to parse sec value" in verified(spoiled)


def read_unit() -> configparser.ConfigParser:
    unit = configparser.ConfigParser(strict=False, interpolation=None)  # a percent sign is one
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    return unit


def test_it_bounds_restarts_and_hears_of_a_hang_before_it_acts() -> None:
    unit = read_unit()
    service = unit["Service"]
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    restarts = int(unit["Unit"]["StartLimitBurst"]) * float(service["RestartSec"])
    assert restarts < float(unit["Unit"]["StartLimitIntervalSec"])  # or the limit would never be reached
    watchdog = strict_yaml.load(REPOSITORY / "configs" / "node.yaml", NodeConfig).watchdog
    assert watchdog.period_s * watchdog.hung_after < float(service["WatchdogSec"]) / 2
    # Control, health, storage, a full archive, the guard, the camera, two helpers: each may hang in the same disk then.
    waits = 2 + 2 + storage._CLOSE_S + 10 + shift._CLOSE_S + 1 + 2 * helper._CLOSE_S
    assert float(service["TimeoutStopSec"]) > waits
    assert f"({waits:g} s on a hung disk)" in UNIT.read_text()


def test_its_memory_is_bounded_on_any_board() -> None:
    service = read_unit()["Service"]
    high, most = (float(service[key].removesuffix("%")) for key in ("MemoryHigh", "MemoryMax"))  # not in bytes
    assert 0 < high < most <= 80  # a limit near all of the board's memory would be none

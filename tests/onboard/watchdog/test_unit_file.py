"""The unit file in configs/ is one that systemd takes, and goes with the configuration's own limits."""

import configparser
import shutil
import subprocess
from pathlib import Path

import pytest

from onboard import strict_yaml
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


def test_it_bounds_restarts_and_hears_of_a_hang_before_it_acts() -> None:
    unit = configparser.ConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT)
    service = unit["Service"]
    assert (service["Type"], service["Restart"]) == ("notify", "always")
    restarts = int(unit["Unit"]["StartLimitBurst"]) * float(service["RestartSec"])
    assert restarts < float(unit["Unit"]["StartLimitIntervalSec"])  # or the limit would never be reached
    watchdog = strict_yaml.load(REPOSITORY / "configs" / "node.yaml", NodeConfig).watchdog
    assert watchdog.period_s * watchdog.hung_after < float(service["WatchdogSec"]) / 2
    # Control, health, storage, a full archive, the guard, the camera: each may hang in the same disk at the end.
    assert float(service["TimeoutStopSec"]) > 2 + 2 + storage._CLOSE_S + 10 + shift._CLOSE_S + 1

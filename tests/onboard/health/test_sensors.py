"""Temperatures, power and clocks, from folders laid out as a Jetson's kernel does."""

import os
import threading
import time
from pathlib import Path

import pytest

from onboard.event import Events
from onboard.health import background, sensors
from onboard.health.background import Background
from onboard.health.config import HealthConfig


def put(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")


def test_what_is_there_is_read_and_what_is_not_is_left_out(tmp_path: Path) -> None:
    assert sensors.read(tmp_path) == {}
    put(
        tmp_path,
        {
            "class/thermal/thermal_zone0/type": "cpu-thermal",
            "class/thermal/thermal_zone0/temp": "48218",
            "class/thermal/thermal_zone1/type": "cpu-thermal",
            "class/thermal/thermal_zone1/temp": "51000",
            "class/thermal/thermal_zone2/type": "cv0-thermal",  # switched off: there is no value
            "class/hwmon/hwmon3/name": "ina3221",
            "class/hwmon/hwmon3/in1_label": "VDD_GPU_SOC",
            "class/hwmon/hwmon3/in1_input": "5000",
            "class/hwmon/hwmon3/curr1_input": "1500",
            "class/hwmon/hwmon3/in2_label": "VDD_CPU_CV",
            "class/hwmon/hwmon3/in2_input": "nonsense",
            "class/hwmon/hwmon3/curr2_input": "400",
            "class/hwmon/hwmon0/name": "tmp451",
            "class/hwmon/hwmon0/temp1_input": "36750",
            "class/devfreq/17000000.gpu/cur_freq": "1300500000",
            "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq": "2201600",
        },
    )
    assert sensors.read(tmp_path) == {
        "temperature_c": {"cpu-thermal": 48.218, "cpu-thermal.2": 51.0, "tmp451 temp1": 36.75},
        "power_w": {"VDD_GPU_SOC": 7.5},
        "clock_mhz": {"17000000.gpu": 1300.5, "cpu0": 2201.6},
    }


def test_a_sensor_that_hangs_holds_up_nothing_and_gives_no_old_values(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(background, "_OLD", 0.3)
    temperature, heard = tmp_path / "class/thermal/thermal_zone0/temp", threading.Event()
    put(tmp_path, {"class/thermal/thermal_zone0/temp": "48000"})
    config = HealthConfig(sensors=str(tmp_path), scrub_period_s=None)
    looking = Background(config, 0.05, {}, Events(), heard.set)
    end = time.monotonic() + 5
    while not looking.as_dict()["sensors"]:
        assert time.monotonic() < end
    temperature.unlink()
    os.mkfifo(temperature)  # whoever opens it waits for a writer
    while looking.as_dict()["sensors"]:
        assert time.monotonic() < end
        time.sleep(0.01)
    heard.clear()
    assert heard.wait(3)
    began = time.monotonic()
    looking.close()
    assert time.monotonic() - began < 1.5
    temperature.write_text("0")  # lets the thread go

"""The state of the board, which decides all times: power mode, clocks, temperatures, throttling, versions.

What is not there is said to be not there.
"""

import os
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

from onboard.health import sensors

ABSENT = "not there"
_PACKAGES = ("debris-rider", "numpy", "onnxruntime", "opencv-python", "pyzmq", "tensorrt", "pycuda")
_GPU_QUERY = "name,driver_version,clocks.sm,clocks.mem,temperature.gpu,power.draw,clocks_throttle_reasons.active"


def describe(root: Path = Path("/")) -> dict[str, str]:
    """What does not change while it is measured, in words.

    Args:
        root: folder that /sys, /proc and /etc lie in.
    """
    cpu = root / "sys/devices/system/cpu"
    return {
        "model": _text(root / "proc/device-tree/model"),
        "L4T": _text(root / "etc/nv_tegra_release").partition(", GCID")[0],
        "nvpmodel": _command("nvpmodel", "-q"),
        "jetson_clocks": _command("jetson_clocks", "--show"),
        "GPU (nvidia-smi)": _command("nvidia-smi", f"--query-gpu={_GPU_QUERY}", "--format=csv,noheader"),
        "GPU driver": _text(root / "proc/driver/nvidia/version").partition("\n")[0],
        "governor": _same(cpu.glob("cpu[0-9]*/cpufreq/scaling_governor")),
        "CPU clock range, kHz": _range(cpu / "cpu0/cpufreq", "scaling_min_freq", "scaling_max_freq"),
        "device clock ranges, Hz": "; ".join(
            f"{each.name} {_range(each, 'min_freq', 'max_freq')}"
            for each in sorted((root / "sys/class/devfreq").glob("*"))
        )
        or ABSENT,
        "kernel": os.uname().release,
        "versions": ", ".join(f"{name} {version}" for name in _PACKAGES if (version := _version(name))),
    }


def state(root: Path = Path("/")) -> dict[str, Any]:
    """What changes: load, temperatures (C), clocks (MHz), power (W), and the counts and states of throttling."""
    found: dict[str, Any] = {"load": round(os.getloadavg()[0], 1)}
    return found | dict(sensors.read(root / "sys")) | {"throttling": throttling(root)}


def throttling(root: Path = Path("/")) -> dict[str, int]:
    """Counters and states that are above 0 where something throttles or has throttled; empty where nothing tells.

    Of a Jetson: events of over-current (`oc1_event_cnt` ...) and the states of the cooling devices; of other machines
    the processor's own count.
    """
    sys = root / "sys"
    named = [(each.name, each) for each in sorted(sys.glob("class/hwmon/hwmon*/oc*_event_cnt"))]
    named += [
        (f"{_text(each / 'type')} ({each.name})", each / "cur_state")
        for each in sorted(sys.glob("class/thermal/cooling_device*"))
        if "fan" not in _text(each / "type")
    ]
    named += [
        (f"{each.parent.parent.name} {each.name}", each)
        for each in sorted(sys.glob("devices/system/cpu/cpu[0-9]*/thermal_throttle/core_throttle_count"))
    ]
    return {name: int(text) for name, file in named if (text := _text(file)).isdigit()}


def throttled(before: dict[str, Any], after: dict[str, Any]) -> str:
    """What throttled between two states, in words."""
    was, now = before["throttling"], after["throttling"]
    if not now:
        return f"{ABSENT}: nothing here tells"
    grown = [f"{name} {was.get(name, 0)} to {value}" for name, value in now.items() if value > was.get(name, 0)]
    held = [
        f"{name} {value}" for name, value in now.items() if value and value <= was.get(name, 0) and "cooling" in name
    ]
    return "; ".join([*grown, *held]) or "none"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip("\x00\n ") or ABSENT
    except OSError as error:
        return ABSENT if isinstance(error, FileNotFoundError) else f"cannot be read ({error.strerror})"


def _range(folder: Path, low: str, high: str) -> str:
    bounds = _text(folder / low), _text(folder / high)
    if ABSENT in bounds:
        return ABSENT
    return f"fixed at {bounds[0]}" if bounds[0] == bounds[1] else f"{bounds[0]} to {bounds[1]}"


def _same(files: Any) -> str:
    return ", ".join(sorted({_text(each) for each in files})) or ABSENT


def _command(*words: str) -> str:
    """What a program prints; absent, refused or hung, that is said."""
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=10, errors="replace")
    except FileNotFoundError:
        return ABSENT
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"cannot be run ({type(error).__name__})"
    said = " | ".join(line.strip() for line in (done.stdout or done.stderr).splitlines() if line.strip())
    return said if done.returncode == 0 else f"refused with code {done.returncode} ({said[:200]}); run as root"


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None

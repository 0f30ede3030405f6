"""Where and with what a campaign was measured."""

import datetime
import os
from importlib import metadata
from pathlib import Path
from typing import Any

from hil_tests.bench.config import BenchConfig
from hil_tests.bench.plan import FaultPlan
from onboard import machine

_PACKAGES = ("debris-rider", "numpy", "onnxruntime", "pyzmq", "opencv-python")


def environment(config: BenchConfig, plan: FaultPlan | None) -> dict[str, Any]:
    """Names and words; the node's own versions are in its `node.yaml`."""
    stream = config.stream
    return {
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "kernel": os.uname().release,
        "governor": _governor(),
        "load before": f"{os.getloadavg()[0]:.1f}",
        "versions": ", ".join(f"{name} {_version(name)}" for name in _PACKAGES),
        "node": "elsewhere: " + config.remote.frames if config.remote else "started here: " + _bundle(config),
        "data": Path(stream.data).name,
        "stream": f"{stream.rate_hz:g} Hz, exposure {stream.exposure_ms:g} ms, jitter {stream.jitter_ms:g} ms, "
        f"transport {stream.transport_ms:g} ms",
        "deadline, ms": f"{config.deadline_ms:g}",
        "seeds": f"stream {config.seed}" + ("" if plan is None else f", faults {plan.seed}"),
    }


def _bundle(config: BenchConfig) -> str:
    assert config.node is not None
    return "/".join(Path(config.node.bundle).parts[-2:])


def _governor() -> str:
    path = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return path.read_text().strip() if path.exists() else "none to be seen"


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "?"

"""What `bench-step` says: the JSON record and the printed table."""

import datetime
import os
import platform
import statistics
from typing import Any

import torch

from train.stepbench.compare import Samples
from train.stepbench.forms import PHASES
from train.stepbench.worker import Task

_TOLERANCE = 1e-4  # relative: sums of some thousand float32 products in two orders


def record(task: Task, preset: str, samples: Samples) -> dict[str, Any]:
    """Everything measured and what it was measured on; seconds and bytes."""
    ours, materialised = samples.seconds("ours"), samples.seconds("materialised")
    ratios = [theirs / own for own, theirs in zip(ours, materialised, strict=True)]
    peaks = samples.peak_bytes
    difference = samples.loss_difference()
    return {
        "speedup": statistics.median(ratios),
        "speedup_spread": _spread(ratios),
        "memory_ratio": peaks["materialised"] / peaks["ours"],
        "ours_s": _spread(ours),
        "materialised_s": _spread(materialised),
        "ours_peak_bytes": peaks["ours"],
        "materialised_peak_bytes": peaks["materialised"],
        "breakdown": {name: statistics.median(step[name] for step in samples.phases["ours"]) for name in PHASES},
        "floor_s": samples.floor_bytes / samples.bandwidth,
        "floor_bytes": samples.floor_bytes,
        "bandwidth_bytes_per_s": samples.bandwidth,
        "losses_agree": difference <= _TOLERANCE,
        "loss_difference": difference,
        "preset": preset,
        "batch": task.batch,
        "dim": task.dim,
        "repeats": len(ours),
        "seed": task.seed,
        "threads": task.threads,
        "device": task.device,
        "machine": _machine(task.device),
        "torch": torch.__version__,
        "date": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }


def _spread(values: list[float]) -> dict[str, float]:
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def _machine(device: str) -> str:
    name = torch.cuda.get_device_name() if device == "cuda" else torch.backends.cpu.get_cpu_capability()
    return f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {name}"


def text(found: dict[str, Any]) -> str:
    """The table that is printed."""

    def row(name: str, seconds: dict[str, float], peak: int) -> str:
        return (
            f"  {name:<22}{seconds['median']:7.3f} ({seconds['min']:.3f} to {seconds['max']:.3f}){peak / 1e9:9.2f} GB"
        )

    spread = found["speedup_spread"]
    parts = [f"    {name.replace('_', ' '):<32}{seconds:7.3f}" for name, seconds in found["breakdown"].items()]
    agree = "agree" if found["losses_agree"] else "DIFFER"
    return "\n".join(
        [
            f"PLUME {found['preset']}, D = {found['dim']}, batch {found['batch']}, "
            f"{found['repeats']} steps of each form, {found['threads']} threads, {found['machine']}",
            "  form                  seconds a step (min to max)   peak",
            row("ours (rank one)", found["ours_s"], found["ours_peak_bytes"]),
            row("matrices written out", found["materialised_s"], found["materialised_peak_bytes"]),
            f"  ours is {found['speedup']:.1f} times faster (pairs: {spread['min']:.1f} to {spread['max']:.1f}) "
            f"and takes {found['memory_ratio']:.1f} times less memory",
            f"  the losses of the first steps {agree} (relative difference at most {found['loss_difference']:.1e})",
            "  where our step's time goes, s",
            *parts,
            f"    floor: {found['floor_bytes'] / 1e9:.2f} GB of weights and moments at "
            f"{found['bandwidth_bytes_per_s'] / 1e9:.0f} GB/s = {found['floor_s']:.3f}",
        ]
    )

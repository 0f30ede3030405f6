"""The debris head's marginal cost: a fused report less the pose network's own."""

from typing import Any

from hil_tests.trtexec.figures import KINDS, Report
from onboard.errors import InputError

_SETTINGS = {
    "data_transfers": "run both with transfers or both without (11: --includeDataTransfers; before: --noDataTransfers)",
    "cuda_graph": "run both with a CUDA graph or both without (11: --noCudaGraph; before: --useCudaGraph)",
    "precision": "build both engines with one precision",
    "tf32": "build both with --noTF32 or both without",
    "dla_core": "run both on the GPU or both on one DLA core (--useDLACore)",
    "streams": "run both with one --infStreams",
    "device": "time both on one board",
    "version": "time both with one TensorRT",
}


def marginal(fused: Report, pose: Report) -> dict[str, Any]:
    """`ms` and `percent` of median GPU compute time, then each statistic's difference by kind.

    Raises:
        InputError: a setting that both reports tell differs.
    """
    differing, unknown = [], []
    for key, remedy in _SETTINGS.items():
        one, other = getattr(fused, key), getattr(pose, key)
        if one is None or other is None:
            unknown.append(key)
        elif one != other:
            differing.append(f"{key} is {one} in {fused.name} and {other} in {pose.name}: {remedy}")
    if differing:
        raise InputError("the reports cannot be compared: " + "; ".join(differing))
    left, right = fused.plain(), pose.plain()
    kinds = {
        kind: {name: _less(left[kind].get(name), right[kind].get(name)) for name in left[kind]}
        for kind in KINDS.values()
    }
    ms = kinds["gpu_compute_ms"]["median"]
    base = right["gpu_compute_ms"]["median"]
    percent = 100 * ms / base if ms is not None and base else None
    return {"ms": ms, "percent": percent, "of": "gpu_compute_ms.median", **kinds, "unknown_settings": unknown}


def _less(one: float | None, other: float | None) -> float | None:
    return None if one is None or other is None else one - other

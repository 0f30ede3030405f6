"""python -m hil_tests trtexec-report: read, compare, show."""

from pathlib import Path
from typing import Any

from hil_tests.trtexec import exports
from hil_tests.trtexec.compare import marginal
from hil_tests.trtexec.parse import parse
from onboard.errors import InputError


def report(
    fused: Path | None,
    pose: Path | None,
    times: Path | None = None,
    profile: Path | None = None,
    layers: Path | None = None,
    head_prefix: str = "debris",
) -> dict[str, Any]:
    """The fused report's keys (the pose report's, when it stands alone), with `pose` and `marginal` when there are two.

    Raises:
        InputError: no report given, one that cannot be read, or two that cannot be compared.
    """
    if fused is None and pose is None:
        raise InputError("no report given: name FUSED.log, --pose POSE.log, or both")
    first = parse(fused if fused is not None else pose)  # type: ignore[arg-type]
    result = first.plain()
    if fused is not None and pose is not None:
        other = parse(pose)
        result["marginal"] = marginal(first, other)
        result["pose"] = other.plain()
    if times is not None:
        result["times"] = exports.times(times)
        _check_times(result)
    by_layer = exports.profile(profile) if profile is not None else first.layers
    origins = exports.layer_origins(layers) if layers is not None else {}
    if by_layer:
        result["head"] = exports.head_share(by_layer, origins, head_prefix)
        if fused is not None and not result["head"]["layers"]:
            first.warnings.append(
                f"no layer carries '{head_prefix}': give --layers of a detailed engine, or --head-prefix"
            )
    elif layers is not None:
        first.warnings.append("--layers names layers but has no times: give --profile as well")
    return result


def _check_times(result: dict[str, Any]) -> None:
    for name in ("p90", "p95", "p99"):
        told, found = result["latency_ms"].get(name), result["times"][name]
        if told is not None and abs(told - found) > 1e-3 * max(told, 1e-3):
            result["warnings"].append(f"{name} is {told} ms in the log and {found} ms by the times: of two runs?")

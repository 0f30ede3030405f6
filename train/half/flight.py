"""A network with its head, from the image on, becomes float16; refused where that moves the logit too far."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import ModelProto

from onboard.errors import InputError
from train.half import keep
from train.half.convert import convert, rounded
from train.onnx_model.running import session

LOGIT = "debris_logit"
TOLERANCE = 0.2  # of the standard deviation of the calibration normals' logits; docs/fuse.md tells what was measured
_SHOWN = 12
_LARGE = 0.05  # of an output's largest value
Feed = dict[str, npt.NDArray[Any]]
Logits = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Half:
    """A converted graph.

    Attributes:
        model: in float16, with inputs and outputs as they were.
        logit_tolerance: by how much its logit may differ from the float32 graph's.
        facts: for the manifest: what stayed in float32 and what changed.
    """

    model: ModelProto
    logit_tolerance: float
    facts: dict[str, Any]


def halve(model: ModelProto, image: str, feeds: Sequence[Feed], spread: float, path: Path) -> Half:
    """Convert, and compare on real images.

    Args:
        model: float32, from the image to `debris_logit` and any other outputs.
        image: the name of the image input.
        feeds: its inputs for some calibration images.
        spread: standard deviation of the calibration normals' logits.
        path: what an error calls the graph.

    Raises:
        InputError: a logit differs by more than `TOLERANCE` times the spread, or is not finite; or the graph cannot be
            converted.
    """
    limit = tolerance(spread, path)
    stays = keep.kept(model, image, feeds)
    half = convert(model, stays.nodes)
    try:
        onnx.checker.check_model(half, full_check=True)
    except onnx.checker.ValidationError as error:
        raise InputError(f"{path}: cannot be converted to float16 ({error}); leave --precision fp16 out") from error
    before = _outputs(model, feeds, path)
    in_runtime, as_rounded = _outputs(half, feeds, path), _outputs(rounded(model, stays.nodes), feeds, path)
    found = {name: _furthest(values, before) for name, values in (("ort", in_runtime), ("rounded", as_rounded))}
    if not max(found.values()) <= limit:  # also true of NaN
        raise InputError(
            f"{path}: in float16 the logit moves by {max(found.values()):.3g} on a calibration image; {limit:.3g} is "
            f"allowed, {TOLERANCE:g} of the spread of {spread:.3g} that the calibration normals' logits have. No "
            "bundle is written; fly the graph in float32 (leave --precision fp16 out), or fit another head"
        )
    facts = {
        "float16_nodes": len(model.graph.node) - len(stays.nodes),
        "kept_in_float32": stays.by_range,
        "compared_on": len(feeds),
        "logit_spread": spread,
        "logit_change": found["ort"],
        "logit_change_rounded": found["rounded"],
        "output_changes": {
            name: _change(name, before, (in_runtime, as_rounded)) for name in before[0] if name != LOGIT
        },
    }
    return Half(half, limit, facts)


def tolerance(spread: float, path: Path) -> float:
    """By how much float16 may move a logit: `TOLERANCE` times the spread of the calibration normals' logits.

    Raises:
        InputError: they have none.
    """
    if not spread > 0:
        raise InputError(
            f"{path}: the calibration normals' logits have no spread ({spread:g}), so there is no measure for what "
            "float16 may change; fit with more calibration images, or leave --precision fp16 out"
        )
    return TOLERANCE * spread


def left_as_it_was(spread: float) -> dict[str, Any]:
    """What the manifest says where a network came in float16 and nothing was converted."""
    return {"left_as_it_was": True, "logit_spread": spread}


def text(facts: dict[str, Any]) -> str:
    """What the conversion did, for a terminal."""
    if facts.get("left_as_it_was"):
        return "the network came with float16 in it: it is left as it is, and the head computes in float32"
    moved, stays = facts["logit_change_rounded"], facts["kept_in_float32"]
    lines = [
        f"float16: {facts['float16_nodes']} nodes; kept in float32 for their range: {len(stays)}",
        *(f"  {name}: {why}" for name, why in list(stays.items())[:_SHOWN]),
        *([f"  and {len(stays) - _SHOWN} more, which the manifest lists"] if len(stays) > _SHOWN else []),
        f"against the float32 graph, on {facts['compared_on']} calibration images, at most:",
        f"  {LOGIT}: {facts['logit_change']:.4f} in ONNX Runtime, {moved:.4f} rounded after each node "
        f"({moved / facts['logit_spread']:.1%} of the spread, {TOLERANCE:.0%} allowed)",
    ]
    for name, change in facts["output_changes"].items():
        lines.append(f"  {name}: {change['max_abs']:.3g} ({change['relative']:.2%} of its largest value)")
    if any(change["relative"] > _LARGE for change in facts["output_changes"].values()):
        lines.append(
            "  much, unless it is a quaternion's sign: 'python -m onboard compare-pose' tells degrees and metres"
        )
    return "\n".join(lines)


def _outputs(model: ModelProto, feeds: Sequence[Feed], path: Path) -> list[Feed]:
    running = session(model, str(path))
    names = [output.name for output in running.get_outputs()]
    return [dict(zip(names, running.run(names, feed), strict=True)) for feed in feeds]


def _furthest(values: Sequence[Feed], before: Sequence[Feed]) -> float:
    return float(np.max([np.abs(v[LOGIT].astype(np.float64) - b[LOGIT]) for v, b in zip(values, before, strict=True)]))


def _change(name: str, before: Sequence[Feed], after: Sequence[Sequence[Feed]]) -> dict[str, float]:
    """The largest change of a pose output; infinite where its shape changes."""
    largest, moved = 0.0, 0.0
    for values in after:
        for was, now in zip(before, values, strict=True):
            wanted, found = was[name].astype(np.float64), now[name].astype(np.float64)
            largest = max(largest, float(np.abs(wanted).max(initial=0.0)))
            same_shape = wanted.shape == found.shape
            moved = max(moved, float(np.abs(wanted - found).max(initial=0.0)) if same_shape else float("inf"))
    return {"max_abs": moved, "relative": moved / largest if largest else 0.0}

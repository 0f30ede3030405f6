"""python -m calibration validate: the measured false-alarm rate, over splits, under disturbances, and in force."""

import dataclasses
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np

from calibration import coverage, drift, in_force, plot, results, scoring, uses
from calibration.coverage import Point
from calibration.drift import Drift
from calibration.in_force import InForce
from calibration.normal import same_frame_size
from calibration.normal_data import NormalData, read_normals
from calibration.score_cache import ScoreCache
from calibration.shifts import SHIFTS
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.normal_scores import Box, FrameRule

ALPHAS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
_SHOWN = (0.01, 0.05, 0.1)  # in the terminal, beside the finest; the JSON has all
_LEAST_FRAMES = 20
PNG = "coverage.png"


def validate(folder: Path, options: NormalData, splits: int, out: Path) -> None:
    """Measure, print, and write `validate.json` and `coverage.png`. The bundle is not changed.

    Args:
        folder: the bundle.
        options: the normal data; none of it is kept back, for nothing is calibrated here.
        splits: random splits of the frames.
        out: folder for the results.

    Raises:
        InputError: the data are too few or cannot be used.
    """
    detector = Detector.load(folder)
    normals = read_normals(detector.bundle, options)
    made_graph = uses.made_graph(detector.bundle, [digest for digest, _ in normals.frames])
    pool = [pair for pair, used in zip(normals.frames, made_graph, strict=True) if not used]
    _refuse_too_few(options.data, len(pool))
    with ScoreCache(options.cache, detector.bundle) as cache:
        rows = [scoring.score(detector, pool, cache, options.grey, shift) for shift in SHIFTS]
    same_frame_size(detector.bundle, options.data, rows[0])
    kept = [i for i, column in enumerate(zip(*rows, strict=True)) if all(s.score is not None for s in column)]
    _refuse_too_few(options.data, len(kept))
    scores = {
        shift.name: np.array([row[i].score for i in kept], np.float32) for shift, row in zip(SHIFTS, rows, strict=True)
    }
    found = coverage.measure(scores, SHIFTS[0].name, ALPHAS, splits, options.seed)
    fresh = in_force.fresh(detector.bundle, [pool[i][0] for i in kept])
    boxes = {
        shift.name: [shift.box(box, row[i].frame_px) for i in kept if (box := pool[i][1].box) is not None]
        for shift, row in zip(SHIFTS, rows, strict=True)
    }
    calibrated = detector.bundle.manifest.calibration
    # An exported bundle does not say which frames its scores came from, so these may be the same ones.
    rule = FrameRule.at(detector.bundle) if calibrated is not None and calibrated.frame is not None else None
    force = _in_force(rule, scores, boxes, fresh)
    about = f"{len(kept)} normal frames, {splits} splits into {len(kept) // 2} and {len(kept) - len(kept) // 2}"
    out.mkdir(parents=True, exist_ok=True)
    plot.coverage(out / PNG, found, about)
    drifted = drift.measure(scores, SHIFTS[0].name, options.seed)
    results.write(out / results.VALIDATE, detector.bundle, _report(options, splits, len(kept), found, force, drifted))
    left = {
        **normals.left_out,
        "that the graph was made with": made_graph.count(True),
        "rejected": len(pool) - len(kept),
    }
    said = ", ".join(f"{count} {reason}" for reason, count in left.items() if count) or "none"
    print(f"{about}; left out: {said}")
    print(_splits_text(found))
    print(_force_text(force))
    print(drift.text(drifted))
    print(f"figures: {out / results.VALIDATE}\nplot:    {out / PNG}")


def _refuse_too_few(data: Path, count: int) -> None:
    if count < _LEAST_FRAMES:
        raise InputError(
            f"{data}: {count} normal frames that have a score under every disturbance are too few, at least "
            f"{_LEAST_FRAMES} are needed, and 40 / alpha for a rate of alpha to be seen well"
        )


def _in_force(
    rule: FrameRule | None, scores: dict[str, np.ndarray], boxes: dict[str, list[Box]], fresh: list[bool]
) -> dict[str, list[InForce]]:
    if rule is None or not any(fresh):
        return {}
    return {
        name: in_force.measure(rule, list(values[fresh]), list(compress(boxes[name], fresh)))
        for name, values in scores.items()
    }


def _splits_text(found: dict[str, list[Point]]) -> str:
    lines = ["disturbance          alpha   measured   95 % of splits    exact band        in band   verdict"]
    for name, points in found.items():
        lines += [
            f"{name:<17}{p.alpha:>9g}{p.measured:>11.4f}{p.low:>9.4f} - {p.high:.4f}{p.band[0]:>9.4f} - {p.band[1]:.4f}"
            f"{p.inside:>10.1%}   {p.verdict}"
            for i, p in enumerate(points)
            if i == 0 or p.alpha in _SHOWN
        ]
    return "\n".join(lines)


def _force_text(found: dict[str, list[InForce]]) -> str:
    if not found:
        return "in force: not measured, for the bundle has no threshold yet, or it was made from these very frames"
    lines = ["in force             size            p at most   frames   alarms    share   band of chance"]
    for name, groups in found.items():
        for one in groups:
            if one.band is None:
                continue
            share = one.alarms / one.frames
            flag = "   recalibrate" if share > one.band[1] else ""
            lines.append(
                f"{name:<21}{one.size:<14}{one.limit:>11.5f}{one.frames:>9}{one.alarms:>9}{share:>9.4f}"
                f"{one.band[0]:>9.4f} - {one.band[1]:.4f}{flag}"
            )
    return "\n".join(lines)


def _report(
    options: NormalData,
    splits: int,
    frames: int,
    found: dict[str, list[Point]],
    force: dict[str, list[InForce]],
    drifted: dict[str, Drift],
) -> dict[str, Any]:
    return {
        "frames": frames,
        "splits": splits,
        "seed": options.seed,
        "over_splits": {
            name: [{**dataclasses.asdict(point), "verdict": point.verdict} for point in points]
            for name, points in found.items()
        },
        "in_force": {name: [dataclasses.asdict(one) for one in groups] for name, groups in force.items()},
        "drift": {name: dataclasses.asdict(one) for name, one in drifted.items()},
    }

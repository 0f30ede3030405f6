"""Measured false-alarm rate against the promised one, as `validate` found it."""

from typing import Any

from calibration import plot
from calibration.coverage import Point
from calibration.report.found import Found
from calibration.report.page import figure, missing, paragraph, table
from calibration.report.pictures import picture

_SHOWN = (0.01, 0.05, 0.1)


def section(found: Found) -> str:
    """Curves with their exact bands, and the bundle's own rule."""
    told = found.validate
    if told is None:
        return missing("Not measured.", found.command("validate"))
    curves = {name: [_point(one) for one in points] for name, points in told["over_splits"].items()}
    frames, parts = told["frames"], []
    if any(curves.values()):
        floor = plot.floor(curves)
        drawn = [
            picture(
                lambda axis, name=name, points=points: plot.panel(axis, name, points, floor),  # type: ignore[misc]
                (3.5, 3.1),
                f"{name}: measured false-alarm rate against the promised one",
            )
            for name, points in curves.items()
        ]
        caption = (
            f"Measured against promised false-alarm rate over {told['splits']} random splits of {frames} normal "
            f"frames: {frames // 2} calibrate as they are, {frames - frames // 2} are tested, disturbed. Grey: the "
            "exact band, in which 95 % of splits lie where nothing changed; dashed: promised. Raw holds by design."
        )
        parts += [figure(drawn, caption), _measured(curves)]
    parts.append("<h3>The bundle's own threshold</h3>" + _in_force(found, told["in_force"]))
    return "".join(parts)


def _measured(curves: dict[str, list[Point]]) -> str:
    shown = [one for one in next(iter(curves.values())) if one.alpha in _SHOWN]
    columns = [f"at {one.alpha:g} (band {one.band[0]:.3g} to {one.band[1]:.3g})" for one in shown]
    rows = [
        [name, *(f"{one.measured:.4f}: {one.verdict}" for one in points if one.alpha in _SHOWN)]
        for name, points in curves.items()
    ]
    return table(["frames", *columns], rows, "Measured, mean over the splits, and what it says")


def _point(told: dict[str, Any]) -> Point:
    values = {key: value for key, value in told.items() if key != "verdict"}
    return Point(**{**values, "band": tuple(values["band"])})


def _in_force(found: Found, told: dict[str, list[dict[str, Any]]]) -> str:
    if not told:
        return missing(
            "Not measured: the bundle had no threshold yet, or no frame was left that it was not made from.",
            found.command("validate"),
        )
    rows = [
        [
            name,
            one["size"],
            one["limit"],
            f"{one['alarms']} of {one['frames']}",
            ""
            if one["band"] is None
            else f"{one['band'][0] * one['frames']:.0f} to {one['band'][1] * one['frames']:.0f}",
            "recalibrate" if one["band"] and one["alarms"] / one["frames"] > one["band"][1] else "",
        ]
        for name, groups in told.items()
        for one in groups
    ]
    said = "On normal frames that it was not made from; chance leaves 95 % of such counts within the last figures."
    return paragraph(said) + table(["frames", "size", "p at most", "false alarms", "by chance", "verdict"], rows)

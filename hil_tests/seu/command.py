"""python -m hil_tests seu: from a bundle and frames to a table of what flipped bits do."""

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hil_tests.plotting import refuse_without_matplotlib
from hil_tests.seu import campaign, plots, regions, table
from hil_tests.seu.bench import Bench
from hil_tests.seu.campaign import Asked
from hil_tests.seu.page import page, percent
from hil_tests.seu.plan import Flip
from hil_tests.seu.regions import FileFlips
from hil_tests.seu.results import Campaign, Record
from hil_tests.seu.table import Periods, Protection
from onboard import files, machine
from onboard.errors import InputError

FLIPS = "flips.jsonl"


def seu(asked: Asked, periods_s: tuple[float, float], blocks: int, out: Path) -> bool:
    """Run or go on with a campaign, and write its tables, charts and page.

    Args:
        asked: bundles, frames and plan.
        periods_s: from one known-answer frame to the next, and from one reload to the next.
        blocks: that each file is shared into; 0: no file is flipped.
        out: folder of the results.

    Returns:
        Whether every flip in a file was refused, or left it as it was.

    Raises:
        InputError: bundles or frames cannot be used, `out` holds another campaign, or Matplotlib is absent.
    """
    refuse_without_matplotlib()
    benches = asked.benches()
    _refuse_others(benches)
    flips = campaign.plan(benches, asked)
    told, records = campaign.run(benches, flips, asked, out / FLIPS)
    periods = Periods(*periods_s, told.answers)
    swept = regions.sweep(asked.bundles["plain"], blocks, asked.seed) if blocks else []
    lines = table.protections(flips, records, told.frame_count, periods)
    bits = sorted(table.by(flips, records, _bit), key=lambda row: [int(n) for n in row.name.split("/")][::-1])
    layers = table.by(flips, records, lambda flip: flip.target.layer)
    verdicts = [*_verdicts(lines, flips, records, swept), *_clamps(lines, benches, told.frame_count)]
    about = _about(told, benches, periods)
    plots.draw(bits, "lowest flipped bit / width of the word", out / "by_bit.png")
    plots.draw(layers, "layer", out / "by_layer.png")
    result = {
        "about": about,
        "protections": table.plain_values(lines),
        "rarer": table.rarer(lines),
        "contained": dataclasses.asdict(table.contained(flips, records)),
        "as_flown": table.as_flown(records),
        "by_bit": [dataclasses.asdict(row) for row in bits],
        "by_layer": [dataclasses.asdict(row) for row in layers],
        "files": [dataclasses.asdict(each) for each in swept],
    }
    files.write_text(out / "result.json", json.dumps(result, indent=2, allow_nan=False) + "\n")
    files.write_text(out / "index.html", page(about, lines, verdicts, bits, layers, swept))
    print("\n".join(verdicts))
    print(f"{out}: {FLIPS}, result.json, index.html")
    return all(each.refused + each.unchanged == each.flips for each in swept)


def _bit(flip: Flip) -> str:
    return f"{flip.bit}/{flip.target.width}"


def _refuse_others(benches: dict[str, Bench]) -> None:
    """A bounded bundle must be the plain one's own."""
    if len(benches) < 2:
        return
    plain, bounded = benches["plain"].bundle, benches["bounded"].bundle
    bounds = bounded.manifest.bounds
    if bounds is None or bounds.model_sha256 != plain.manifest.files[plain.manifest.model]:
        why = "has no clamps" if bounds is None else "was made from another graph"
        raise InputError(f"{bounded.folder}: {why}; make it with 'python -m calibration bounds {plain.folder} DATA'")


def _verdicts(
    lines: Sequence[Protection], flips: Sequence[Flip], records: Sequence[Record], swept: Sequence[FileFlips]
) -> list[str]:
    said = [
        f"{_named(p)}: silent {percent(p.silent)}; wrong decisions {p.wrong_s:.3g} s a flip, at most {p.longest_s:g} s"
        for p in lines
    ]
    if (times := table.rarer(lines)) is not None:
        found = "none was silent with both" if times["times"] is None else f"{times['times']:.3g} times rarer"
        said.append(
            f"silent wrong decisions with clamps and known answers beside neither: {found}; by the 95 % intervals at "
            f"least {times['at_least']:.3g} times (wanted: 10)"
        )
        if times["wrong_s"] is not None:
            said.append(f"time of wrong decisions with both beside neither: {times['wrong_s']:.3g} times shorter")
        said.append(f"flips that do harm without clamps and none with them: {percent(table.contained(flips, records))}")
    again = table.as_flown(records)
    if again["judged"]:
        said.append(
            f"as flown: {again['judged']} judged again, {again['harm']} of them harmful; same outcome "
            f"{again['same_outcome']}, same decisions {again['same_decisions']}, known answers agree on "
            f"{again['same_known_answers']}"
        )
    if swept:
        counts = [sum(getattr(each, n) for each in swept) for n in ("flips", "refused", "unchanged")]
        wrong = sum(each.accepted + each.crashed for each in swept)
        said.append(
            f"files: {counts[0]} flips, {counts[1]} refused, {counts[2]} in white space that leave the bundle as it "
            f"is, {wrong} accepted or crashed"
        )
    return said


def _clamps(lines: Sequence[Protection], benches: dict[str, Bench], frames: int) -> list[str]:
    """What clamps would tell of, were they looked at: the node does not."""
    if (bounded := benches.get("bounded")) is None:
        return []
    share = lines[-1].clamped
    found = "not recorded" if share is None else percent(share)
    usual = f"without a flip, on {bounded.clamped()} of {frames} frames"
    return [f"flips that do harm with clamps, and a clamp would tell: {found}; {usual}"]


def _named(line: Protection) -> str:
    return f"{'clamps' if line.variant == 'bounded' else 'no clamps'}{', known answers' if line.known_answers else ''}"


def _about(told: Campaign, benches: dict[str, Bench], periods: Periods) -> dict[str, Any]:
    first = benches["plain"]
    return {
        "machine": machine.describe(),
        "bundles": ", ".join(f"{name} {sha}" for name, sha in told.bundles.items()),
        "precision": first.bundle.manifest.precision,
        "flips": f"{told.flips}, each of {told.bits} neighbouring bits; seed {told.seed}",
        "frames": f"{told.frame_count}, {first.alarms} of them alarms without a flip; {told.answers} known answers",
        "known answers every": f"{periods.answer_s:g} s",
        "reload every": f"{periods.reload_s:g} s",
        "ONNX Runtime": told.runtime,
    }

"""python -m hil_tests bench: a campaign, judged and written down."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hil_tests.bench import campaign, config, junit, limits, pictures, plan, results
from hil_tests.bench.campaign import Campaign
from hil_tests.bench.config import BenchConfig
from hil_tests.bench.figures import as_json
from hil_tests.bench.limits import Held
from hil_tests.plotting import refuse_without_matplotlib
from onboard import files


def bench(setup: BenchConfig, plan_file: Path | None, out: Path) -> tuple[Campaign, list[Held]]:
    """Run a campaign, write its report, and judge it. What an earlier one said in this folder goes first.

    Raises:
        InputError: something that the configuration or the plan names cannot be used, or Matplotlib is absent.
    """
    with results.voided(out, results.OF_BENCH):
        refuse_without_matplotlib()
        bounds = limits.read(Path(setup.limits))
        faults = None if plan_file is None else plan.read(plan_file)
        shown = pictures.load(Path(setup.stream.data), setup.stream.pictures)
        done = campaign.run(setup, shown, faults, out)
        held = limits.judge(bounds, done.figures)
        write(done, held, setup, out)
        return done, held


def write(done: Campaign, held: Sequence[Held], setup: BenchConfig, out: Path) -> None:
    """report.html, junit.xml, figures.json, and what they come from, one line of JSON each."""
    from hil_tests.bench import report

    files.write_text(out / results.REPORT, report.page(done, held, setup.deadline_ms))
    files.write_text(out / results.JUNIT, junit.xml(held, "bench"))
    page = {"run": done.run, "figures": as_json(done.figures), "environment": done.environment}
    files.write_text(out / results.FIGURES, json.dumps(page, indent=2, allow_nan=False) + "\n")
    _lines(out / "sent.jsonl", done.sent)
    _lines(out / "verdicts.jsonl", [told for found in done.history.verdicts.values() for told in found])
    _lines(out / "records.jsonl", done.history.records)
    _lines(out / "faults.jsonl", done.judged)
    _lines(out / "recoveries.jsonl", done.recoveries)
    _lines(out / "flips.jsonl", done.flips)


def text(done: Campaign, held: Sequence[Held]) -> str:
    """The campaign for a terminal."""
    ledger = done.ledger
    lines = [
        f"{ledger.frames} exposures = {ledger.dropped} dropped + {ledger.refused} refused + {ledger.no_frame} with a "
        f"broken header + {ledger.sent} sent",
        f"{ledger.sent} sent = {ledger.received} received + {ledger.link_lost} lost on the link "
        f"({ledger.unexplained} unexplained)",
        f"{ledger.received} received:",
    ]
    lines += [
        f"  {count:6d}  {status}" + (f" ({reason})" if reason else "")
        for (status, reason), count in sorted(ledger.ends.items(), key=str)
    ]
    lines += ["the ledger balances" if ledger.balances else "THE LEDGER DOES NOT BALANCE"]
    lines += [f"  {error}" for error in ledger.errors[:10]]
    lines += [
        f"{each.injection.kind} not as expected: {each.detail}"
        for each in done.judged
        if each.outcome.value == "missed"
    ][:10]
    return "\n".join([*lines, "limits:", *(each.line() for each in held)])


def load(path: Path, data: Path | None, bundle: Path | None) -> BenchConfig:
    """The configuration, with data and bundle from the command line where they are given."""
    given = {"stream.data": data, "node.bundle": bundle}
    return config.load(path, {key: str(value) for key, value in given.items() if value is not None})


def _lines(path: Path, items: Sequence[object]) -> None:
    files.write_bytes(path, b"".join(msgspec.json.encode(item) + b"\n" for item in items))

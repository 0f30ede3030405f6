"""Each protection of the node switched off: a campaign that gets no worse does not test it."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from hil_tests.bench import campaign, pictures
from hil_tests.bench.config import BenchConfig
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import FaultPlan, Kind
from onboard import files
from onboard.errors import InputError


@dataclass(frozen=True)
class Sabotage:
    """One protection.

    Attributes:
        name: of the protection.
        off: keys of the node's configuration that switch it off.
        both: keys with the protection and without it, such as those that switch others off which would do its work.
        faults: that it protects from.
        figure: which has to get worse: larger.
        setup: fields of `NodeSetup` with the protection and without it.
        spoilt: fields of `NodeSetup` without it, where the protection is not in the node's configuration.
    """

    name: str
    off: dict[str, Any]
    faults: dict[Kind, int]
    figure: Literal[
        "outcomes_missed", "ledger_errors", "recovery_s.kill", "recovery_s.weight_flip", "recovery_s.weight_huge"
    ] = "outcomes_missed"
    both: dict[str, Any] = field(default_factory=dict)
    setup: dict[str, Any] = field(default_factory=dict)
    spoilt: dict[str, Any] = field(default_factory=dict)


ALL = (
    Sabotage("stale", {"stale_ms": None}, {"stale": 8}),
    Sabotage("frozen", {"sanity.frozen": False}, {"frozen": 8}),
    Sabotage("black", {"sanity.black_level": 0}, {"black": 8}),
    Sabotage("saturated", {"sanity.white_share": 1.0}, {"saturated": 8}),
    Sabotage("checksum", {"source.checksum": False}, {"corrupt": 8}),
    Sabotage("frame_size", {"sanity.frame_size_px": []}, {"wrong_size": 8}),
    Sabotage("limits", {"source.limits": {}}, {"too_large": 8}),
    Sabotage("scrub", {"health.scrub_period_s": None}, {"bundle_rot": 2}),
    Sabotage("known_answer", {"health.known_answer_s": None}, {"weight_flip": 2}, "recovery_s.weight_flip"),
    Sabotage(
        "reload",
        {"health.reload_s": None},
        {"weight_flip": 2},
        "recovery_s.weight_flip",
        both={"health.known_answer_s": None, "health.reload_s": 3.0},
    ),
    Sabotage("invalid_limit", {"invalid.logit_limit": 1e300}, {"weight_huge": 6}),
    Sabotage(
        "invalid_row",
        {"invalid.in_a_row": 1_000_000},
        {"weight_huge": 2},
        "recovery_s.weight_huge",
        both={"health.known_answer_s": None},
    ),
    Sabotage("journal", {}, {"kill": 1}, "ledger_errors", spoilt={"keep_journal": False}),
    Sabotage("hashes", {}, {"bundle_corrupt": 4}, spoilt={"keep_hashes": False}),
    # Whoever alters a bundle can write its hashes anew, but not its signature.
    Sabotage(
        "signature",
        {"signature.public_key": None},
        {"bundle_corrupt": 4},
        setup={"sign": True, "keep_hashes": False},
    ),
    Sabotage("supervision", {}, {"kill": 1}, "recovery_s.kill", spoilt={"restart_s": None}),
)


@dataclass(frozen=True)
class Found:
    """The figure with the protection and without it; None where a campaign had none: its faults struck nothing."""

    name: str
    figure: str
    with_it: float | None
    without_it: float | None

    @property
    def noticed(self) -> bool | None:
        """Whether the figure got worse; None: that was not tested."""
        if self.with_it is None or self.without_it is None:
            return None
        return self.without_it > self.with_it

    def line(self) -> str:
        """For a terminal."""
        word = {True: "noticed", False: "NOT NOTICED", None: "NOT TESTED"}[self.noticed]
        values = " ".join(f"{'-':>10}" if each is None else f"{each:10.4g}" for each in (self.with_it, self.without_it))
        return f"{self.name:<13} {self.figure:<23} {values}   {word}"


HEAD = f"{'protection':<13} {'figure':<23} {'with it':>10} {'without':>10}"


def compare(config: BenchConfig, shown: list[Picture], each: Sabotage, out: Path) -> Found:
    """Fly with the protection and without it."""
    assert config.node is not None
    # A flip may strike an engine that is just being loaded as well, which the next load replaces.
    plan = FaultPlan(
        seed=1, faults=each.faults, settle_ms=4000, process_ms=2500, flip_ms=8000, warm_up_frames=10, every=4
    )
    setup = msgspec.structs.replace(config, frames=10)
    sound = msgspec.structs.replace(config.node, settings={**config.node.settings, **each.both}, **each.setup)
    spoilt = msgspec.structs.replace(sound, settings={**sound.settings, **each.off}, **each.spoilt)
    values = [
        campaign.run(msgspec.structs.replace(setup, node=node), shown, plan, out).figures[each.figure]
        for node in (sound, spoilt)
    ]
    return Found(each.name, each.figure, *values)


def command(config: BenchConfig, out: Path, only: str | None) -> int:
    """Compare all (or one), say so, write sabotage.json; gives the exit code (1: one was not noticed, or not tested).

    Raises:
        InputError: there is no such protection, or the node is not started here.
    """
    chosen = [each for each in ALL if only in (None, each.name)]
    if not chosen:
        raise InputError(f"--only: '{only}' is no protection; there are {', '.join(each.name for each in ALL)}")
    if config.node is None:
        raise InputError("sabotage needs a node that the bench starts: 'node', not 'remote'")
    shown = pictures.load(Path(config.stream.data), config.stream.pictures)
    print(HEAD)
    found = []
    for each in chosen:
        found.append(compare(config, shown, each, out))
        print(found[-1].line(), flush=True)
    rows = [
        {"name": e.name, "figure": e.figure, "with": _told(e.with_it), "without": _told(e.without_it)} for e in found
    ]
    files.write_text(out / "sabotage.json", json.dumps(rows, indent=2) + "\n")
    return 0 if all(each.noticed for each in found) else 1


def _told(value: float | None) -> str | None:
    """JSON has no number for what never ended."""
    return None if value is None else str(value)

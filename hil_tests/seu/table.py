"""From records to figures: what each set of protections leaves, by bit and by layer."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hil_tests.seu.judge import Facts, outcome
from hil_tests.seu.plan import Flip
from hil_tests.seu.rates import Rate, rate
from hil_tests.seu.results import Record


@dataclass(frozen=True)
class Periods:
    """How often the node looks at its memory, in seconds.

    Attributes:
        answer_s: from one known-answer frame to the next.
        reload_s: from one reload of the bundle, with its hashes checked, to the next.
        answers: known answers, which take turns.
    """

    answer_s: float
    reload_s: float
    answers: int

    def ends_s(self, found: Facts, known_answers: bool) -> float:
        """What ends a wrong decision, at the latest.

        A rejected frame is not counted on: the node reloads after three in a row only.
        """
        if not known_answers or not found.answers:
            return self.reload_s
        return min((self.answers - found.answers + 1) * self.answer_s, self.reload_s)


@dataclass(frozen=True)
class Protection:
    """A graph and the checks around it: shares of single events in a memory that is hit evenly.

    Attributes:
        variant: `plain` or `bounded`.
        known_answers: whether they are run.
        masked, rejected, answered, silent: what becomes of a flip; the four add up to 1. `rejected`: some frame is
            refused as nonsense; `answered`: a decision is wrong and a known answer tells.
        changed: a decision is wrong on some frame, noticed or not.
        to_alarm, to_normal: some normal frame is called debris; some debris is not.
        wrong_s: seconds of wrong decisions that a flip leaves on average, until a check or a reload ends it.
        longest_s: until the last of the flips that change a decision is ended.
        clamped: of the flips that do harm (a wrong decision or nonsense), those where something outside its limits
            came to a clamp, so that a node that looked would know; None: not recorded.
    """

    variant: str
    known_answers: bool
    masked: Rate
    rejected: Rate
    answered: Rate
    silent: Rate
    changed: Rate
    to_alarm: Rate
    to_normal: Rate
    wrong_s: float
    longest_s: float
    clamped: Rate | None


@dataclass(frozen=True)
class Row:
    """One bit or layer: shares of its flips.

    Attributes:
        name: of the layer, or the bit's place and its word's width.
        changed: by variant, a decision is wrong.
        silent: by variant and, behind `+`, known answers: a decision is wrong and nothing tells.
    """

    name: str
    changed: dict[str, Rate]
    silent: dict[str, Rate]


def protections(flips: Sequence[Flip], records: Sequence[Record], frames: int, periods: Periods) -> list[Protection]:
    """A line for each graph without and with known answers."""
    return [
        _protection(_found(flips, records, variant), variant, known, frames, periods)
        for variant in _variants(records)
        for known in (False, True)
    ]


def by(flips: Sequence[Flip], records: Sequence[Record], key: Callable[[Flip], str]) -> list[Row]:
    """A row for each group of flips, in the order in which the plan has them."""
    groups: dict[str, list[tuple[Flip, Record]]] = {}
    for flip, record in zip(flips, records, strict=True):
        groups.setdefault(key(flip), []).append((flip, record))
    return [_row(name, group) for name, group in groups.items()]


def rarer(table: Sequence[Protection]) -> dict[str, float | None] | None:
    """How many times rarer silent wrong alarms are with bounds and known answers than with neither.

    Returns:
        `times`: of the estimates, None where none was silent; `at_least`: from the ends of both 95 % intervals;
        `wrong_s`: of the seconds of wrong decisions, None where there are none. None without a bounded graph.
    """
    first, last = table[0], table[-1]
    if last.variant == first.variant:
        return None
    times = first.silent.share / last.silent.share if last.silent.share else None
    shorter = first.wrong_s / last.wrong_s if last.wrong_s else None
    return {"times": times, "at_least": first.silent.low / last.silent.high, "wrong_s": shorter}


def contained(flips: Sequence[Flip], records: Sequence[Record]) -> Rate:
    """Of the flips that do harm (a wrong decision or nonsense) without clamps, those that do none with them."""
    return rate(
        (flip.weight, outcome(record.found["bounded"], False) == "masked")
        for flip, record in zip(flips, records, strict=True)
        if {"plain", "bounded"} <= record.found.keys() and outcome(record.found["plain"], False) != "masked"
    )


def as_flown(records: Sequence[Record]) -> dict[str, Any]:
    """How often the graph as flown tells the same of a flip as the cut one."""
    pairs = [(record.found[variant], flown) for record in records for variant, flown in (record.flown or {}).items()]
    return {
        "judged": len(pairs),
        "same_outcome": sum(outcome(a, True) == outcome(b, True) for a, b in pairs),
        "same_decisions": sum(_decisions(a) == _decisions(b) for a, b in pairs),
        "same_known_answers": sum((a.answers > 0) == (b.answers > 0) for a, b in pairs),
        "harm": sum(outcome(b, False) != "masked" for _, b in pairs),
    }


def plain_values(table: Sequence[Protection]) -> list[dict[str, Any]]:
    """For JSON."""
    return [asdict(line) for line in table]


def _decisions(found: Facts) -> tuple[int, int, int]:
    return found.to_alarm, found.to_normal, found.rejected


def _variants(records: Sequence[Record]) -> list[str]:
    return list(dict.fromkeys(name for name in ("plain", "bounded") for r in records if name in r.found))


def _found(flips: Sequence[Flip], records: Sequence[Record], variant: str) -> list[tuple[float, Facts]]:
    pairs = zip(flips, records, strict=True)
    return [(flip.weight, record.found[variant]) for flip, record in pairs if variant in record.found]


def _protection(
    found: Sequence[tuple[float, Facts]], variant: str, known: bool, frames: int, periods: Periods
) -> Protection:
    def share(counts: Callable[[Facts], bool]) -> Rate:
        return rate((weight, counts(facts)) for weight, facts in found)

    # An event falls anywhere in a period, so on average half of the longest time is left (of turns, at most).
    lasts = [(w, f.changed / frames, periods.ends_s(f, known)) for w, f in found if f.changed]
    return Protection(
        variant,
        known,
        masked=share(lambda f: outcome(f, known) == "masked"),
        rejected=share(lambda f: f.rejected > 0),
        answered=share(lambda f: not f.rejected and outcome(f, known) == "detected"),
        silent=share(lambda f: outcome(f, known) == "silent"),
        changed=share(lambda f: f.changed > 0),
        to_alarm=share(lambda f: f.to_alarm > 0),
        to_normal=share(lambda f: f.to_normal > 0),
        wrong_s=sum(w * wrong * s / 2 for w, wrong, s in lasts) / sum(w for w, _ in found),
        longest_s=max((s for _, _, s in lasts), default=0.0),
        clamped=_clamped(found),
    )


def _clamped(found: Sequence[tuple[float, Facts]]) -> Rate | None:
    recorded = [(weight, facts.clamped > 0) for weight, facts in found if facts.clamped is not None]
    return rate(recorded) if recorded else None


def _row(name: str, group: Sequence[tuple[Flip, Record]]) -> Row:
    changed, silent = {}, {}
    for variant in _variants([record for _, record in group]):
        found = [(f.weight, r.found[variant]) for f, r in group if variant in r.found]
        changed[variant] = rate((w, f.changed > 0) for w, f in found)
        for known, told in ((False, ""), (True, "+")):
            silent[variant + told] = rate((w, outcome(f, known) == "silent") for w, f in found)
    return Row(name, changed, silent)

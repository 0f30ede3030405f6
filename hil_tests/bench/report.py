"""One static page for a campaign: no scripts, nothing fetched."""

from collections import Counter
from collections.abc import Sequence
from html import escape
from string import Template

from hil_tests.bench import plots
from hil_tests.bench.campaign import Campaign
from hil_tests.bench.expected import Outcome
from hil_tests.bench.flips import Flip
from hil_tests.bench.limits import Held, Mark, passed
from hil_tests.bench.page import STYLE, limits_table, table

_MOST_LISTED = 20
_PAGE = Template("""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Campaign $run</title><style>
$style</style></head><body>
<h1>Campaign $short: <span class="$mark">$verdict</span></h1>
<p class="small">$started &middot; $machine</p>
<h2>Limits</h2>$limits
<h2>What became of each frame</h2><img src="$timeline" alt="latency of each frame over time">
<p class="small">Below: each fault, green where it ended as expected, grey where it could not be tested, red where not.
Coloured bands: a fault of the process, until the first answer after it. A frame without a record lies at 1 ms.</p>
<h2>Latency</h2><img src="$histogram" alt="histogram of latencies">
<div class="columns"><div><h2>Ledger</h2>$ledger</div><div><h2>Ends</h2>$ends</div></div>
$errors
<div class="columns"><div><h2>Faults</h2>$faults</div><div><h2>Recovery</h2>$recovery</div></div>
$flips
$wrong
<div class="columns"><div><h2>Environment</h2>$environment</div><div><h2>Processes</h2>$lives</div></div>
</body></html>
""")


def page(campaign: Campaign, held: Sequence[Held], deadline_ms: float) -> str:
    """The report as HTML."""
    good = passed(held)
    missed = [f"{each.injection.kind}: {each.detail}" for each in campaign.judged if each.outcome is Outcome.MISSED]
    return _PAGE.substitute(
        style=STYLE,
        run=campaign.run,
        short=campaign.run[:8],
        mark="pass" if good else "fail",
        verdict="every limit held" if good else f"{sum(each.mark is Mark.FAIL for each in held)} limits not held",
        started=escape(campaign.environment["started"]),
        machine=escape(campaign.environment["machine"]),
        limits=limits_table(held),
        timeline=plots.timeline(campaign),
        histogram=plots.histogram(campaign, deadline_ms),
        ledger=_ledger(campaign),
        ends=table(
            ("end", "frames"),
            [(status + (f" ({reason})" if reason else ""), n) for (status, reason), n in _ends(campaign)],
        ),
        errors=_listed("What does not add up", campaign.ledger.errors),
        faults=_faults(campaign),
        recovery=_recovery(campaign),
        flips=_flips(campaign),
        wrong=_listed("Faults that did not end as expected", missed),
        environment=table(("", ""), [(name, str(value)) for name, value in campaign.environment.items()]),
        lives=_lives(campaign),
    )


def _ledger(campaign: Campaign) -> str:
    ledger = campaign.ledger
    rows = [
        ("exposures", ledger.frames),
        ("= dropped by a fault", ledger.dropped),
        ("+ refused: the queue was full", ledger.refused),
        ("+ sent with a broken header", ledger.no_frame),
        ("+ sent", ledger.sent),
        ("sent = received", ledger.received),
        ("+ lost on the link", ledger.link_lost),
        ("of these, not explained by a fault", ledger.unexplained),
        ("received = ended", sum(ledger.ends.values())),
        ("verdicts that arrived", ledger.verdicts),
        ("records without a verdict", ledger.without_verdict),
        ("second copies sent", ledger.duplicates_sent),
    ]
    known = "" if campaign.history.has_journal else "<p>From verdicts alone: the journal could not be read.</p>"
    word = '<p class="pass">It balances.</p>' if ledger.balances else '<p class="fail">It does not balance.</p>'
    return table(("", "frames"), rows) + word + known


def _ends(campaign: Campaign) -> list[tuple[tuple[str, str | None], int]]:
    return sorted(campaign.ledger.ends.items(), key=lambda each: (each[0][0], -each[1]))


def _faults(campaign: Campaign) -> str:
    counts = Counter((each.injection.kind, each.outcome) for each in campaign.judged)
    kinds = sorted({each.injection.kind for each in campaign.judged})
    rows = [
        (kind, *(counts[kind, outcome] for outcome in (Outcome.MET, Outcome.NOT_TESTED, Outcome.MISSED)))
        for kind in kinds
    ]
    return table(("fault", "as expected", "not tested", "not as expected"), rows) if rows else "<p>None.</p>"


def _recovery(campaign: Campaign) -> str:
    rows = []
    for kind in sorted({each.injection.kind for each in campaign.recoveries}):
        found = [each.seconds for each in campaign.recoveries if each.injection.kind == kind]
        back = sorted(seconds for seconds in found if seconds is not None)
        middle, longest = (f"{back[len(back) // 2]:.3f}", f"{back[-1]:.3f}") if back else ("&ndash;", "&ndash;")
        rows.append((kind, len(found), middle, longest, len(found) - len(back)))
    return table(("fault", "times", "median, s", "longest, s", "never"), rows) if rows else "<p>None.</p>"


def _flips(campaign: Campaign) -> str:
    """Each fault in the node's memory, in the order in which they were done."""

    def after_s(at_ns: int | None, flip: Flip) -> str:
        return "&ndash;" if at_ns is None else f"{(at_ns - flip.turned_ns) / 1e9:.3f}"

    rows = [
        (
            f"{each.injection.kind}: {each.weight}",
            each.copies,
            after_s(each.noticed_ns, each),
            after_s(each.reloaded_ns, each),
            after_s(each.answered_ns if each.tested else None, each),
            each.unanswered,
            each.wrong_scores,
            each.wrong_decisions,
        )
        for each in campaign.flips
    ]
    if not rows:
        return ""
    head = ("weight", "copies", "known answer wrong, s", "loaded again, s", "right again, s", "not answered")
    return "<h2>Bits turned in memory</h2>" + table((*head, "wrong scores", "wrong decisions"), rows)


def _lives(campaign: Campaign) -> str:
    rows = [
        (n, f"{(life.ended_ns - life.started_ns) / 1e9:.1f}", "" if life.code is None else life.code)
        for n, life in enumerate(campaign.lives, 1)
    ]
    shown = rows if len(rows) <= _MOST_LISTED else rows[:_MOST_LISTED]
    more = f"<p>and {len(rows) - len(shown)} more</p>" if len(rows) > len(shown) else ""
    return table(("process", "lived, s", "exit code"), shown) + more if rows else "<p>Elsewhere.</p>"


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    shown = "".join(f"<li>{escape(line)}</li>" for line in lines[:_MOST_LISTED])
    more = f"<li>and {len(lines) - _MOST_LISTED} more</li>" if len(lines) > _MOST_LISTED else ""
    return f'<h2 class="fail">{escape(title)}</h2><ul>{shown}{more}</ul>'

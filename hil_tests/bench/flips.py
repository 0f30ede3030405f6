"""What came of bits turned in the node's memory: when it was noticed, and when verdicts were right again to the bit."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hil_tests.bench.expected import Judged, Outcome
from hil_tests.bench.history import History, Sent, Told
from hil_tests.bench.node_page import NodeEvent
from hil_tests.bench.plan import MEMORY_KINDS, Injection
from hil_tests.bench.process_faults import Done
from hil_tests.bench.recovery import Recovery

LOGIT_LIMIT = 1e6  # the node's own default, invalid.logit_limit
_UNANSWERED = ("invalid_output", "inference_failed", "reloading", "unavailable")
_RELOADED = ("engine_reloaded", "engine_handed_over")


@dataclass(frozen=True)
class Flip:
    """One fault in memory. Times are ns of the monotonic clock.

    Attributes:
        injection: the fault.
        weight, copies: what was turned, and in how many copies.
        refused: why nothing was; else empty.
        turned_ns: when.
        noticed_ns: the event known_answer_wrong; None: there was none before the next fault of the process.
        reloaded_ns: the event engine_reloaded; None as well.
        answered_ns: the first answer with the bits from before, behind the last frame that went wrong; None: none.
        unanswered: frames without an answer, for outputs made no sense, or the engine was being replaced for that.
        wrong_scores: answers whose score is not, to the bit, the one that the picture had before.
        wrong_decisions: answers that call debris what was none before, or the other way round.
        nonsense: answers beyond 1e6.
    """

    injection: Injection
    weight: str
    copies: int
    refused: str
    turned_ns: int
    noticed_ns: int | None
    reloaded_ns: int | None
    answered_ns: int | None
    unanswered: int
    wrong_scores: int
    wrong_decisions: int
    nonsense: int

    @property
    def tested(self) -> bool:
        """Whether it reached what the node computes."""
        return bool(self.copies) and (self.noticed_ns is not None or bool(self.unanswered or self.wrong_scores))

    def recovery(self) -> Recovery:
        """From the flip to the first answer that is right again."""
        return Recovery(self.injection, self.turned_ns, self.turned_ns, self.answered_ns)


def look(done: Sequence[Done], sent: list[Sent], history: History, events: Iterable[NodeEvent]) -> list[Flip]:
    """Each flip, with the verdicts and events until the next fault of the process.

    Args:
        done: all faults of the process, in their order.
        sent, history, events: what happened. Before the first flip every picture should have been answered once; others
            cannot be compared.
    """
    flips = [each for each in done if each.turned is not None]
    told = sorted(
        (one for found in history.verdicts.values() for one in found if _sound(one, sent)),
        key=lambda one: one.received_ns,
    )
    before = (
        {
            sent[one.frame_id].picture: one
            for one in told
            if one.status == "ANSWERED" and one.received_ns < flips[0].began_ns
        }
        if flips
        else {}
    )
    found = []
    for each in flips:
        until = min((other.began_ns for other in done if other.began_ns > each.began_ns), default=1 << 63)
        here = [one for one in told if each.unblocked_ns <= one.received_ns < until]
        found.append(
            _flip(each, here, sent, before, [e for e in events if each.unblocked_ns <= e.monotonic_ns < until])
        )
    return found


def judge(flip: Flip, within_s: float) -> Judged:
    """A flip has to be noticed, the engine to be loaded again, and verdicts to be right from then on.

    Args:
        flip: as it was seen.
        within_s: in which a known answer has to tell of one that could be believed.
    """
    fault, frame = flip.injection, f"frame {flip.injection.frame_id}, {flip.weight}"
    if not flip.tested:
        return Judged(fault, Outcome.NOT_TESTED, f"{frame}: {flip.refused or 'no verdict and no known answer changed'}")
    wrong = None
    if flip.nonsense:
        wrong = f"{flip.nonsense} answers with a logit beyond {LOGIT_LIMIT:g}"
    elif fault.kind == "weight_flip" and not (flip.noticed_ns and flip.noticed_ns - flip.turned_ns <= within_s * 1e9):
        wrong = f"no event known_answer_wrong within {within_s:g} s"
    elif flip.reloaded_ns is None:
        wrong = "no event engine_reloaded"
    elif flip.answered_ns is None:
        wrong = "verdicts did not become what they were"
    return Judged(fault, Outcome.MET) if wrong is None else Judged(fault, Outcome.MISSED, f"{frame}: {wrong}")


def _flip(done: Done, here: list[Told], sent: list[Sent], before: dict[int, Told], events: list[NodeEvent]) -> Flip:
    assert done.turned is not None
    pairs = [(one, before.get(sent[one.frame_id].picture)) for one in here]
    answers = [(one, right) for one, right in pairs if one.status == "ANSWERED" and right is not None]
    unanswered = [one for one in here if one.reason in _UNANSWERED]
    wrong = [one for one, right in answers if one.score != right.score]
    last_ns = max((one.received_ns for one in (*unanswered, *wrong)), default=done.unblocked_ns)
    return Flip(
        done.injection,
        done.turned.weight,
        done.turned.copies,
        done.turned.refused,
        done.unblocked_ns,
        noticed_ns=_first(events, ("known_answer_wrong",)),
        reloaded_ns=_first(events, _RELOADED),
        answered_ns=next((one.received_ns for one, _ in answers if one.received_ns > last_ns), None),
        unanswered=len(unanswered),
        wrong_scores=len(wrong),
        wrong_decisions=sum(one.is_debris != right.is_debris for one, right in answers),
        nonsense=sum(one.score is None or not abs(one.score) <= LOGIT_LIMIT for one, _ in answers),
    )


def _sound(told: Told, sent: list[Sent]) -> bool:
    """Whether its frame was sent as it is, whatever was done to the node meanwhile."""
    if told.frame_id >= len(sent):  # the ledger names it
        return False
    fault = sent[told.frame_id].fault
    return fault is None or fault in MEMORY_KINDS


def _first(events: list[NodeEvent], names: tuple[str, ...]) -> int | None:
    return next((each.monotonic_ns for each in events if each.event in names), None)

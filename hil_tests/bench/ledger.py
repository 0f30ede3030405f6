"""The ledger: what was sent, what the node recorded, what verdicts came, and whether the three agree."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hil_tests.bench.history import End, History, Sent, Told


@dataclass
class Ledger:
    """The account of a campaign.

    Attributes:
        frames: exposures of the run.
        dropped: never sent, by a fault.
        refused: not sent, for ZeroMQ's queue was full: the node was away, or the link stood still.
        no_frame: sent with a header that says nothing.
        sent: all others; sent = received + link_lost.
        received: frames with a record; received = sum of `ends`.
        link_lost: sent, and without a record.
        ends: frames by status and reason.
        verdicts: verdicts that arrived.
        without_verdict: frames with a record whose verdict did not arrive, but for SKIPPED(restart), which sends none.
        duplicates_sent: second copies that left the bench.
        unexplained: sent frames without a record, outside the time in which a fault may lose frames.
        errors: everything that does not add up, in words.
    """

    frames: int = 0
    dropped: int = 0
    refused: int = 0
    no_frame: int = 0
    sent: int = 0
    received: int = 0
    link_lost: int = 0
    ends: Counter[End] = field(default_factory=Counter)
    verdicts: int = 0
    without_verdict: int = 0
    duplicates_sent: int = 0
    unexplained: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def balances(self) -> bool:
        return not self.errors


def balance(sent: list[Sent], history: History, may_lose: Iterable[range] = ()) -> Ledger:
    """Keep the ledger.

    Args:
        sent: one entry for each exposure, by its id from 0 on.
        history: what the node recorded and told.
        may_lose: ids of frames that a fault of the process may have lost.
    """
    ledger = Ledger(frames=len(sent), verdicts=sum(map(len, history.verdicts.values())))
    excused = {frame_id for each in may_lose for frame_id in each}
    known: set[int] = set()
    for frame in sent:
        if not frame.handed_over:
            ledger.refused += bool(frame.refused)
            ledger.dropped += not frame.refused
            continue
        if not frame.is_frame:
            ledger.no_frame += 1
            continue
        known.add(frame.frame_id)
        ledger.sent += 1
        ledger.duplicates_sent += frame.handed_over - 1
        _enter(ledger, frame.frame_id, history, frame.frame_id in excused)
    for frame_id in history.recorded():
        if frame_id not in known:
            ledger.errors.append(f"frame {frame_id}: a record, but it was never sent")
    for frame_id, told in history.verdicts.items():
        _compare(ledger, frame_id, told, history.ends(frame_id))
    if ledger.received != sum(ledger.ends.values()):
        ledger.errors.append(f"{ledger.received} received, but {sum(ledger.ends.values())} ended")
    if ledger.frames != ledger.dropped + ledger.refused + ledger.no_frame + ledger.sent:
        ledger.errors.append(f"{ledger.frames} exposures, but only {ledger.sent} sent, refused, dropped or no frame")
    if ledger.sent != ledger.received + ledger.link_lost:
        ledger.errors.append(f"{ledger.sent} sent, but {ledger.received} received and {ledger.link_lost} lost")
    return ledger


def _enter(ledger: Ledger, frame_id: int, history: History, excused: bool) -> None:
    ends = history.ends(frame_id)
    if not ends:
        ledger.link_lost += 1
        ledger.unexplained += not excused
        return
    ledger.received += 1
    ledger.ends[ends[0]] += 1
    if len(ends) > 1:
        ledger.errors.append(f"frame {frame_id}: {len(ends)} records: {ends}")
    if ends[0][0] == "OPEN":
        ledger.errors.append(f"frame {frame_id}: received, and never ended")
    if not history.verdicts.get(frame_id) and ends[0] != ("SKIPPED", "restart"):
        ledger.without_verdict += 1


def _compare(ledger: Ledger, frame_id: int, told: list[Told], ends: list[End]) -> None:
    if len(told) > 1:
        ledger.errors.append(f"frame {frame_id}: {len(told)} verdicts")
    for verdict in told:
        if (verdict.status, verdict.reason) not in ends:
            ledger.errors.append(
                f"frame {frame_id}: verdict {verdict.status}({verdict.reason}), but the journal has {ends or 'nothing'}"
            )

"""How long the node took to answer again after each fault that held it up, and whether it did as it should."""

from collections.abc import Iterable
from dataclasses import dataclass

from hil_tests.bench.expected import Judged, Outcome
from hil_tests.bench.history import History, Sent, Told
from hil_tests.bench.node import Life
from hil_tests.bench.node_page import NodeEvent
from hil_tests.bench.plan import Injection, Schedule
from hil_tests.bench.process_faults import Done

_KILLED, _REFUSED = -9, 2  # exit codes: SIGKILL, and of a node that cannot use what it is given
_ENDS: dict[str, tuple[int, ...]] = {
    "kill": (_KILLED,),
    "disk_full_kill": (_KILLED,),
    "bundle_corrupt": (_KILLED, _REFUSED),
}
MAY_LOSE = tuple(_ENDS)
_IN_FLIGHT_NS = 500_000_000  # frames may lie in a process's socket before it dies
_DIES_NS = 3_000_000_000  # a killed process that waits for its disk dies when that has answered


@dataclass(frozen=True)
class Recovery:
    """A fault, when it began and let go, and the first answer after it (ns, monotonic; None: there was none).

    `met_full_disk` as in `hil_tests.bench.process_faults.Done`.
    """

    injection: Injection
    began_ns: int
    unblocked_ns: int
    answered_ns: int | None
    met_full_disk: bool | None = None

    @property
    def seconds(self) -> float | None:
        return None if self.answered_ns is None else (self.answered_ns - self.unblocked_ns) / 1e9


def recoveries(schedule: Schedule, sent: list[Sent], history: History, done: Iterable[Done]) -> list[Recovery]:
    """Of each stall and each fault of the process: the first answer to a frame that was exposed after it began."""
    answers = sorted(
        (told for found in history.verdicts.values() for told in found if told.status == "ANSWERED"),
        key=lambda told: told.received_ns,
    )
    found = []
    for fault in schedule.injections:
        if fault.kind == "stall":
            held = sent[fault.frame_id : fault.frame_id + fault.frames]
            began, unblocked = held[0].exposure_start_ns, held[-1].due_ns
            found.append(Recovery(fault, began, unblocked, _first(answers, sent, began, unblocked)))
    for each in done:
        if each.turned is not None:  # hil_tests.bench.flips tells when verdicts were right again
            continue
        first = _first(answers, sent, each.began_ns, each.unblocked_ns)
        found.append(Recovery(each.injection, each.began_ns, each.unblocked_ns, first, each.met_full_disk))
    return sorted(found, key=lambda each: each.began_ns)


def may_lose(found: Iterable[Recovery], sent: list[Sent]) -> list[range]:
    """Ids of frames that died with a process, or were sent while there was none."""
    return [_ids(each, sent) for each in found if each.injection.kind in MAY_LOSE]


def held_up(found: Iterable[Recovery], sent: list[Sent]) -> set[int]:
    """Ids of frames that were sent from the beginning of a process's fault until the node answered again."""
    ids = {frame_id for each in found if each.injection.of_process for frame_id in _ids(each, sent)}
    return ids | {frame_id + 1 for frame_id in ids} | {frame_id + 2 for frame_id in ids}


def unexpected_ends(lives: list[Life], found: Iterable[Recovery]) -> int:
    """Processes that ended without a fault that ends them so, the last one otherwise than with code 0.

    While a fault lasts, a node that it started anew may crash by itself: no fault explains any code but its own.
    """
    deadly = [each for each in found if each.injection.kind in MAY_LOSE]

    def explained(life: Life) -> bool:
        return any(
            life.code in _ENDS[each.injection.kind]
            and each.began_ns <= life.ended_ns <= (each.answered_ns or life.ended_ns)
            for each in deadly
        )

    return sum(not explained(life) for life in lives[:-1]) + (bool(lives) and lives[-1].code != 0)


def judge(
    each: Recovery, sent: list[Sent], history: History, lives: list[Life], events: Iterable[NodeEvent] = ()
) -> Judged:
    """Judge a fault of the process: the node has to answer again, and to do what the fault asks for."""
    fault = each.injection
    if each.seconds is None:
        return Judged(fault, Outcome.MISSED, f"frame {fault.frame_id}: no answer after it")
    during = [frame for frame in sent if each.began_ns <= frame.due_ns < each.unblocked_ns and frame.handed_over]
    if fault.kind in ("disk_full", "cpu_hog", "bundle_rot"):
        silent = [frame.frame_id for frame in during if frame.is_frame and not history.verdicts.get(frame.frame_id)]
        if silent:
            return Judged(fault, Outcome.MISSED, f"frame {silent[0]} and {len(silent) - 1} others: no verdict")
    if fault.kind in ("kill", "disk_full_kill") and not any(_near(life.ended_ns, each.unblocked_ns) for life in lives):
        return Judged(fault, Outcome.MISSED, f"frame {fault.frame_id}: the node did not die")
    if fault.kind == "disk_full_kill":
        return _started_while_full(each, lives)
    if fault.kind == "bundle_rot":
        told = [one for one in events if each.began_ns <= one.monotonic_ns < each.unblocked_ns]
        if not any(one.event == "scrub_failed" for one in told):
            return Judged(fault, Outcome.MISSED, f"frame {fault.frame_id}: no event scrub_failed while a file differed")
    if fault.kind == "bundle_corrupt":
        return _refused(each, history, lives)
    return Judged(fault, Outcome.MET)


def _started_while_full(each: Recovery, lives: list[Life]) -> Judged:
    """A node that is started while its disk is full has to fly."""
    fault, answered_ns = each.injection, each.answered_ns or each.unblocked_ns
    failed = [life for life in lives if each.began_ns < life.started_ns < life.ended_ns <= answered_ns]
    if failed:
        told = f"frame {fault.frame_id}: the full disk kept the node from starting (exit code {failed[0].code})"
        return Judged(fault, Outcome.MISSED, told)
    if each.met_full_disk is None:
        return Judged(fault, Outcome.NOT_TESTED, "a file size limit of the killed process is none of the next one's")
    if not each.met_full_disk:
        return Judged(fault, Outcome.NOT_TESTED, "no start came to its files while the disk was full; raise process_ms")
    return Judged(fault, Outcome.MET)


def _refused(each: Recovery, history: History, lives: list[Life]) -> Judged:
    """The node has to refuse the damaged file with code 2, and to answer nothing while it lies there."""
    told = [told for found in history.verdicts.values() for told in found]
    # What was sent before the kill may still arrive.
    dead_ns = min((life.ended_ns for life in lives if life.ended_ns >= each.began_ns), default=each.began_ns)
    wrong = [one for one in told if dead_ns + 100_000_000 < one.received_ns < each.unblocked_ns]
    if wrong:
        return Judged(each.injection, Outcome.MISSED, f"frame {wrong[0].frame_id}: a verdict from a damaged bundle")
    if any(life.code == _REFUSED and each.began_ns < life.started_ns < each.unblocked_ns for life in lives):
        return Judged(each.injection, Outcome.MET)
    return Judged(each.injection, Outcome.NOT_TESTED, "no start fell into the time of the damage; raise process_ms")


def _first(answers: list[Told], sent: list[Sent], began_ns: int, unblocked_ns: int) -> int | None:
    return next(
        (
            told.received_ns
            for told in answers
            if told.received_ns >= unblocked_ns
            and told.frame_id < len(sent)  # the ledger names one that was never sent
            and sent[told.frame_id].exposure_start_ns >= began_ns
        ),
        None,
    )


def _ids(each: Recovery, sent: list[Sent]) -> range:
    until = sent[-1].due_ns if each.answered_ns is None else each.answered_ns
    ids = [frame.frame_id for frame in sent if each.began_ns - _IN_FLIGHT_NS <= frame.due_ns <= until]
    return range(min(ids), max(ids) + 1) if ids else range(0)


def _near(one_ns: int, other_ns: int) -> bool:
    return abs(one_ns - other_ns) < _DIES_NS

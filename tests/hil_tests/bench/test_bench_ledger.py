"""The ledger against histories made up to be right or wrong."""

import pytest

from hil_tests.bench import node_page
from hil_tests.bench.history import History, Record, Sent, Told
from hil_tests.bench.ledger import balance

RUN = "00" * 16


def sent(count: int) -> list[Sent]:
    return [Sent(n, 0, None, n * 100, n * 100, n * 100 + 1, handed_over=1) for n in range(count)]


def record(frame_id: int, status: str | None = "ANSWERED", reason: str | None = None) -> Record:
    return Record(RUN, frame_id, status, reason)


def told(frame_id: int, status: str = "ANSWERED", reason: str | None = None) -> Told:
    return Told(frame_id, 1, status, reason, None, None, "b")


def history(records: list[Record], verdicts: list[Told] | None = None) -> History:
    return History(records, [told(each.frame_id) for each in records] if verdicts is None else verdicts)


def test_a_sound_history_balances() -> None:
    frames = sent(6)
    frames[3].handed_over = 2
    frames[4].handed_over, frames[4].refused = 0, 1
    frames[5].handed_over = 0
    records = [record(0), record(1, "REJECTED", "frame_black"), record(2, "SKIPPED", "restart"), record(3)]
    ledger = balance(frames, history(records, [told(0), told(1, "REJECTED", "frame_black"), told(3)]))
    assert ledger.errors == []
    assert (ledger.frames, ledger.dropped, ledger.refused, ledger.sent, ledger.received) == (6, 1, 1, 4, 4)
    assert (ledger.duplicates_sent, ledger.without_verdict, ledger.unexplained) == (1, 0, 0)
    assert ledger.ends == {("ANSWERED", None): 2, ("REJECTED", "frame_black"): 1, ("SKIPPED", "restart"): 1}


def test_a_lost_record_is_a_loss_unless_a_kill_explains_it() -> None:
    records = [record(n) for n in range(10) if n != 7]
    lost = balance(sent(10), history(records))
    assert (lost.link_lost, lost.unexplained) == (1, 1)
    assert balance(sent(10), history(records), [range(0, 7)]).unexplained == 1
    assert balance(sent(10), history(records), [range(6, 8)]).unexplained == 0


def test_a_verdict_without_its_record_does_not_balance() -> None:
    records = [record(n) for n in range(10) if n != 7]
    ledger = balance(sent(10), history(records, [told(n) for n in range(10)]))
    assert any("frame 7" in error and "nothing" in error for error in ledger.errors)


def test_a_doubled_record_is_named() -> None:
    ledger = balance(sent(3), history([record(0), record(1), record(2), record(1, "SKIPPED", "stale")]))
    assert not ledger.balances
    assert any(error.startswith("frame 1: 2 records") for error in ledger.errors)


@pytest.mark.parametrize(
    ("records", "verdicts", "word"),
    [
        ([record(0), record(9)], None, "frame 9: a record, but it was never sent"),
        ([record(0, None)], [], "frame 0: received, and never ended"),
        ([record(0)], [told(0), told(0)], "frame 0: 2 verdicts"),
        ([record(0)], [told(0, "SKIPPED", "stale")], "frame 0: verdict SKIPPED(stale)"),
    ],
)
def test_what_does_not_add_up_is_named(records: list[Record], verdicts: list[Told] | None, word: str) -> None:
    errors = balance(sent(1), history(records, verdicts)).errors
    assert any(word in error for error in errors), errors


def test_a_record_of_a_frame_with_a_broken_header_is_named() -> None:
    frames = sent(2)
    frames[1].is_frame = False
    assert balance(frames, history([record(0)])).errors == []
    assert balance(frames, history([record(0), record(1)])).errors == ["frame 1: a record, but it was never sent"]


def test_without_a_journal_verdicts_are_counted() -> None:
    ledger = balance(sent(2), History(None, [told(0), told(0)]))
    assert (ledger.received, ledger.link_lost) == (1, 1)
    assert any("2 verdicts" in error for error in ledger.errors)


@pytest.mark.parametrize(
    ("spoil", "word"),
    [
        ({"received": 3}, "3 received, its records 2"),
        ({"skipped": 0, "open": 1}, "1 open"),
        ({"duplicates": 2}, "2 duplicates, 1 were sent"),
        ({}, None),
    ],
)
def test_the_nodes_own_totals_have_to_be_the_same(spoil: dict[str, int], word: str | None) -> None:
    frames = sent(3)
    frames[0].handed_over, frames[2].is_frame = 2, False
    ledger = balance(frames, history([record(0), record(1, "SKIPPED", "stale")], [told(0)]))
    account = {"received": 2, "open": 0, "answered": 1, "rejected": 0, "skipped": 1, "duplicates": 1} | spoil
    page = {"journal": {"agrees": True, "runs": {RUN: account}}, "events": {"garbage": 1}}
    found = node_page.differences(page, RUN, ledger, 1)
    assert (found == []) if word is None else any(word in each for each in found), found
    page["events"] = {}
    assert any("garbage" in each for each in node_page.differences(page, RUN, ledger, 1))
    assert not any("garbage" in each for each in node_page.differences(page, RUN, ledger, 2))

"""What the node says of itself: its last page, summary.json, held against the ledger, and its events."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from hil_tests.bench.ledger import Ledger
from onboard.messages import Status

Page = dict[str, Any]


class NodeEvent(msgspec.Struct, frozen=True):
    """A line of events.jsonl; fields that are not needed here are passed over."""

    monotonic_ns: int
    event: str
    detail: str


def events(folder: Path) -> list[NodeEvent]:
    """All events that are written there, oldest first; a line that a full disk cut short is left out."""
    found = []
    for name in ("events.1.jsonl", "events.jsonl"):
        path = folder / name
        for line in path.read_bytes().splitlines() if path.exists() else ():
            with suppress(msgspec.DecodeError):
                found.append(msgspec.json.decode(line, type=NodeEvent))
    return found


def read(folder: Path, pid: int) -> Page | None:
    """The page that this process wrote at its end; None where it wrote none."""
    try:
        page = dict(json.loads((folder / "summary.json").read_text()))
    except (OSError, ValueError):
        return None
    return page if page["complete"] and page["pid"] == pid else None


def differences(page: Page, run: str, ledger: Ledger, processes: int) -> list[str]:
    """What the node counts otherwise than the bench.

    The journal's totals are kept over restarts and apart from its records; garbage is counted by each process alone.

    Args:
        page: the node's.
        run: the campaign's, in hexadecimal digits.
        ledger: from the records.
        processes: that the node had.
    """
    account = page["journal"]["runs"].get(run)
    if account is None:
        return ["the node's summary knows nothing of this run"]
    found = [] if page["journal"]["agrees"] else ["the node's summary says that its loop and its journal differ"]
    counts = {"received": ledger.received, "open": 0}
    counts |= {each.value.lower(): sum(n for end, n in ledger.ends.items() if end[0] == each.value) for each in Status}
    found += [
        f"the node's summary has {account[name]} {name}, its records {count}"
        for name, count in counts.items()
        if account[name] != count
    ]
    if account["duplicates"] > ledger.duplicates_sent:
        found.append(f"the node counts {account['duplicates']} duplicates, {ledger.duplicates_sent} were sent")
    garbage = page["events"].get("garbage", 0)
    if processes == 1 and garbage != ledger.no_frame:
        found.append(f"the node counts {garbage} messages as garbage, {ledger.no_frame} were sent")
    return found

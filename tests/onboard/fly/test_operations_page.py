"""Every event that a node's pages name has a place on the operator's page."""

import re
from pathlib import Path

from onboard.fly.event_log import FATAL, INFO

DOCS = Path(__file__).parents[3] / "docs"


def events(page: str) -> set[str]:
    """Names in the first column of the page's tables of events."""
    tables = re.findall(r"^\| event \|.*\n\|---.*\n((?:\|.*\n)+)", (DOCS / page).read_text(), re.MULTILINE)
    rows = "".join(tables).splitlines()
    return {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_the_operator_is_told_what_to_do_on_every_event() -> None:
    named = events("node.md") | events("sources.md") | events("journal.md")
    assert len(named) > 40
    assert named >= FATAL | INFO
    told = set(re.findall(r"`(\w+)`", (DOCS / "operations.md").read_text()))
    assert named - told == set()

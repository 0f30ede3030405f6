"""The page where there is little to show."""

from hil_tests.latency import page, text
from hil_tests.latency.frames import NodeTimes
from hil_tests.latency.measured import Measured


def test_a_node_elsewhere_that_answered_nothing_still_has_its_page() -> None:
    state = {"load": 0.1, "throttling": {}}
    found = Measured({"started": "now", "machine": "a board"}, {}, states={"node, warm": [state, state]})
    found.node = {"warm": NodeTimes([[]], 5)}
    shown = page.page(found, [])
    assert "data:image" not in shown
    assert "5 of 5 frames were not answered" in shown
    assert "5 of 5 frames were not answered" in text.text(found, [])

"""Every event and every reason of the node has a number, and documentation and code tell the same."""

import ast
import functools
import re
from pathlib import Path

from onboard.fly.event_log import FATAL, INFO
from onboard.telemetry import numbers

REPOSITORY = Path(__file__).parents[3]


@functools.cache
def sources() -> list[ast.Module]:
    return [ast.parse(path.read_text()) for path in sorted((REPOSITORY / "onboard").rglob("*.py"))]


def names_given(calls: dict[str, int], arguments: int | None = None) -> set[str]:
    """Strings that the node's code hands to these calls, at these places; by constants of a module, too.

    Args:
        calls: names of functions, and which argument is meant.
        arguments: how many a call must have; None: any number.
    """
    modules = sources()
    constants: dict[str, str] = {}
    for node in (each for module in modules for each in module.body if isinstance(each, ast.Assign)):
        targets, values = node.targets[0], node.value
        pairs = (
            zip(targets.elts, values.elts, strict=False)
            if isinstance(targets, ast.Tuple) and isinstance(values, ast.Tuple)
            else [(targets, values)]
        )
        for target, value in pairs:
            if isinstance(target, ast.Name) and isinstance(value, ast.Constant) and isinstance(value.value, str):
                constants[target.id] = value.value
    found = set()
    for call in (each for module in modules for each in ast.walk(module) if isinstance(each, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        place = calls.get(name, len(call.args))
        if place < len(call.args) and arguments in (None, len(call.args)):
            given = call.args[place]
            value = given.value if isinstance(given, ast.Constant) else constants.get(getattr(given, "id", ""))
            found.add(value)
    return {each for each in found if isinstance(each, str) and re.fullmatch("[a-z_]+", each)}


def documented_events() -> set[str]:
    """Names in the first column of all tables of events."""
    found = set()
    for page in (REPOSITORY / "docs").glob("*.md"):
        for table in re.findall(r"^\| event \|.*\n\|[-|]+\n((?:\|.*\n)+)", page.read_text() + "\n", re.MULTILINE):
            for row in table.splitlines():
                found |= set(re.findall(r"`(\w+)`", row.split("|")[1]))
    return found


def test_every_event_has_a_number_of_its_own() -> None:
    given = names_given({"Event": 0}) | names_given({"add": 0}, arguments=2)
    assert {"deadline_missed", "gap", "unavailable"} <= given
    assert {"engine_handed_over", "no_ring", "journal_overrun"} <= documented_events()
    missing = sorted((given | documented_events() | FATAL | INFO) - set(numbers.EVENTS))
    assert not missing, f"give these the next free numbers in onboard/telemetry/numbers.py and docs: {missing}"
    assert len(set(numbers.EVENTS.values())) == len(numbers.EVENTS)
    assert set(numbers.EVENTS) >= numbers.MEDIUM
    assert not numbers.MEDIUM & (FATAL | INFO)


def test_every_reason_has_a_number_of_its_own() -> None:
    given = names_given({"Answer": 1, "Refusal": 0, "BoxError": 0, "FrameError": 0, "_settled": 2, "Settled": 4})
    assert {"stale", "no_box", "box_empty", "frame_black", "inference_failed", "frame_missing"} <= given
    missing = sorted(given - {str(reason) for reason in numbers.REASONS})
    assert not missing, f"give these the next free numbers in onboard/telemetry/numbers.py and docs: {missing}"
    assert len(set(numbers.REASONS.values())) == len(numbers.REASONS)


def test_the_numbers_in_the_documentation_are_the_codes() -> None:
    text = (REPOSITORY / "docs" / "telemetry.md").read_text()
    for title, expected in (("Event numbers", numbers.EVENTS), ("65535: one without", numbers.REASONS)):
        part = text.split(f"\n{title}")[1].split("\n\n")[0]
        told = {name: int(number) for number, name in re.findall(r"\b(\d+)\s+`(\w+)`", part)}
        assert told == {name: number for name, number in expected.items() if name is not None}
    medium = text.split("could not be mended:")[1].split("\n\n")[0]
    assert set(re.findall(r"`(\w+)`", medium)) == numbers.MEDIUM

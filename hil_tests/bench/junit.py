"""Limits as JUnit XML, which CI servers read."""

from collections.abc import Sequence
from xml.etree import ElementTree

from hil_tests.bench.limits import Held, Mark


def xml(held: Sequence[Held], name: str) -> str:
    """One test case for each limit; a figure that was not measured is a skipped one."""
    failures = sum(each.mark is Mark.FAIL for each in held)
    skipped = sum(each.mark is Mark.NOT_MEASURED for each in held)
    counts = {"tests": str(len(held)), "failures": str(failures), "errors": "0", "skipped": str(skipped)}
    suite = ElementTree.Element("testsuite", {"name": name, **counts})
    for each in held:
        case = ElementTree.SubElement(suite, "testcase", {"classname": "limits", "name": each.limit.figure})
        if each.mark is Mark.FAIL:
            ElementTree.SubElement(case, "failure", {"message": f"{each.value:g}; {each.limit.said()}"})
        elif each.mark is Mark.NOT_MEASURED:
            ElementTree.SubElement(case, "skipped", {"message": "not measured"})
    return _text(suite)


def error(name: str, message: str) -> str:
    """A suite of one case, which came to no result; the message is for people."""
    counts = {"tests": "1", "failures": "0", "errors": "1", "skipped": "0"}
    suite = ElementTree.Element("testsuite", {"name": name, **counts})
    case = ElementTree.SubElement(suite, "testcase", {"classname": "bench", "name": "came to an end"})
    ElementTree.SubElement(case, "error", {"message": "".join(each if each.isprintable() else " " for each in message)})
    return _text(suite)


def _text(suite: ElementTree.Element) -> str:
    ElementTree.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(suite, encoding="unicode") + "\n"

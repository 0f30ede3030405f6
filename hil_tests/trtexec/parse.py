"""Reads a trtexec log of TensorRT 8.4 to 11."""

import math
import re
from pathlib import Path

from hil_tests.trtexec.figures import KINDS, Report
from hil_tests.trtexec.runs import read_text, split
from hil_tests.trtexec.settings import read_settings
from onboard.errors import InputError

_NUMBER = r"[-+]?(?:\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+|inf|nan)"
_LABEL = re.compile(
    r"(?<![\w-])(?<!H2D )(?<!D2H )(?<!Host )(?<!Total )"
    r"(Latency|Enqueue Time|H2D Latency|GPU Compute Time|D2H Latency): ?(?=min|max|mean|median|percentile)"
)
_STATISTIC = re.compile(
    rf"(?<!\w)(?:(min|max|mean|median)|percentile\((\d+(?:\.\d+)?)%\)) = ({_NUMBER}) (ms|us|s)(?=,|\s|$)"
)
_THROUGHPUT = re.compile(rf"(?<!\w)Throughput: ({_NUMBER}) qps\b")
_OTHER_LINE = re.compile(r"\[\d\d/\d\d/\d{4}-|\[[IWEVF]\] |&&&& ")
_LAYER = re.compile(r"\[I\]\s+([\d.]+)\s+([\d.]+)\s+(?:([\d.]+)\s+)?([\d.]+)\s+(\S.*)$")
_IN_MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}


def parse(path: Path) -> Report:
    """Read the last run that passed with figures, else the last with figures, else the last one.

    Raises:
        InputError: not readable, no trtexec log, TensorRT older than 8.4, or two runs mixed line by line.
    """
    reports = [_run(lines, str(path)) for lines in split(read_text(path), str(path))]
    whole = [report for report in reports if report.statistics and report.passed]
    some = whole or [report for report in reports if report.statistics] or reports
    report = some[-1]
    if len(reports) > 1:
        which = reports.index(report) + 1
        report.warnings.append(f"the file holds {len(reports)} runs; run {which} is reported (the last whole one)")
    if not report.statistics:
        report.warnings.append("the log holds no performance summary: it was cut short, failed, or ran with a profiler")
    return report


def _run(lines: list[str], name: str) -> Report:
    report = Report(name)
    recognised = read_settings(lines, report)
    for line in lines:
        if match := _THROUGHPUT.search(line):
            value = _finite(match[1])
            if report.throughput_qps not in (None, value):
                raise _mixed(name, "Throughput", report.throughput_qps, value)
            report.throughput_qps = value
        for match in _LABEL.finditer(line):
            rest = _OTHER_LINE.split(line[match.end() :], maxsplit=1)[0]
            _add(report, match[1], rest)
    _profile_table(lines, report)
    if not (recognised or report.statistics or report.throughput_qps):
        raise InputError(f"{name}: not a report of trtexec; save what trtexec prints: trtexec ... 2>&1 | tee FUSED.log")
    return report


def _add(report: Report, label: str, text: str) -> None:
    found = report.statistics.setdefault(KINDS[label], {})
    for word, percent, number, unit in _STATISTIC.findall(text):
        key = word or f"p{float(percent):g}"
        value = _finite(number)
        value = None if value is None else value * _IN_MS[unit]
        if key in found and found[key] != value:
            raise _mixed(report.name, f"{label} {key}", found[key], value)
        found[key] = value


def _finite(number: str) -> float | None:
    value = float(number)
    return value if math.isfinite(value) else None


def _mixed(name: str, what: str, one: float | None, other: float | None) -> InputError:
    return InputError(f"{name}: {what} stands twice in one run ({one} and {other}); give each run its own file")


def _profile_table(lines: list[str], report: Report) -> None:
    inside = False
    for line in lines:
        if "=== Profile (" in line:
            inside = True
            report.layers.clear()
        elif inside and (match := _LAYER.search(line)):
            layer = match[5].strip()
            if layer == "Total":
                inside = False
            else:
                report.layers[layer] = report.layers.get(layer, 0.0) + float(match[2])

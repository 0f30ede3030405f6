"""What trtexec says of the same engine: its report, the times and the layers that it exports."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil_tests.trtexec import exports
from hil_tests.trtexec.figures import Report
from hil_tests.trtexec.parse import parse
from hil_tests.trtexec.runs import read_text
from onboard.errors import InputError

_COMMAND = re.compile(r"&&&& (?:RUNNING|PASSED|FAILED) TensorRT\.trtexec.*? # (.*)")
_JSON = re.compile(r"\s*\[\s*[{\]]")  # a log may begin with a date in brackets
_WINDOW = re.compile(r"window:1x(\d+)x(\d+)x3")
_INPUT = re.compile(r"Input binding for (\S+) with dimensions (\S+)")
# As TensorRT 8 and later call them, and as 7 does.
_COLUMNS = {
    "h2d": ("h2dMs", "inMs"),
    "compute": ("computeMs", "computeMs"),
    "d2h": ("d2hMs", "outMs"),
    "latency": ("latencyMs", "latencyMs"),
}
_KINDS = {
    "h2d": "h2d_ms",
    "compute": "gpu_compute_ms",
    "d2h": "d2h_ms",
    "latency": "latency_ms",
    "enqueue": "enqueue_ms",
}


@dataclass
class Trtexec:
    """One run of trtexec.

    Attributes:
        files: what was read.
        report: from the log, or None.
        command: that made it, as the log repeats it; empty where it does not.
        inputs: of its network, with their dimensions, where the log tells.
        stages: milliseconds of every query by stage (h2d, compute, d2h, latency, enqueue), where they were exported.
        layers_ms: of all layers together, by the profiler, which slows them; None without one.
    """

    files: list[Path]
    report: Report | None = None
    command: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    stages: dict[str, list[float]] = field(default_factory=dict)
    layers_ms: float | None = None

    def median(self, stage: str) -> float | None:
        """By the exported times, else by the report."""
        if stage in self.stages:
            return exports.percentile(self.stages[stage], 50)
        return None if self.report is None else self.report.statistics.get(_KINDS[stage], {}).get("median")

    def p99(self, stage: str) -> float | None:
        """By the exported times, else by the report."""
        if stage in self.stages:
            return exports.percentile(self.stages[stage], 99)
        return None if self.report is None else self.report.statistics.get(_KINDS[stage], {}).get("p99")

    def window(self) -> str | None:
        """The window size that log or command name, as figures name it; None where they name none."""
        found = _WINDOW.search(f"window:{self.inputs.get('window')} {self.command}")
        if found is None:
            return None
        height, width = found.groups()
        return height if height == width else f"{height}x{width}"

    def named_file(self, flag: str) -> Path | None:
        """A file that its command names and that lies there, or beside the report."""
        word = next((word for word in self.command.split() if word.startswith(f"{flag}=")), None)
        if word is None:
            return None
        named = Path(word.partition("=")[2])
        places = [named, *(each.parent / named.name for each in self.files)]
        return next((place for place in places if place.is_file()), None)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        stages = {stage: {"median": self.median(stage), "p99": self.p99(stage)} for stage in _KINDS}
        report = None if self.report is None else self.report.plain()
        return {
            "files": [each.name for each in self.files], "command": self.command, "stages_ms": stages,
            "layers_ms": self.layers_ms, "report": report,
        }  # fmt: skip


def read(files: Sequence[Path]) -> Trtexec:
    """A log, and what --exportTimes and --exportProfile wrote in the same run; in any order, at least one.

    Raises:
        InputError: a file cannot be read, or is none of these; or there are two of a kind.
    """
    found = Trtexec(list(files))
    for path in files:
        text = read_text(path)
        if not _JSON.match(text):
            _once(found.report is None, path, "log")
            found.report = parse(path)
            commands = [match[1] for match in map(_COMMAND.search, text.splitlines()) if match]
            found.command = commands[-1] if commands else ""
            found.inputs = {match[1]: match[2] for match in map(_INPUT.search, text.splitlines()) if match}
            found.layers_ms = found.layers_ms or sum(found.report.layers.values()) or None
            continue
        rows = exports.read_values(path)[-1]
        if rows and "averageMs" in rows[-1]:
            found.layers_ms = sum(exports.profile(path).values())
        else:
            _once(not found.stages, path, "file of times")
            found.stages = _stages(path, rows)
    return found


def _once(first: bool, path: Path, kind: str) -> None:
    if not first:
        raise InputError(f"{path}: a second {kind}; give the files of one run of trtexec")


def _stages(path: Path, rows: Any) -> dict[str, list[float]]:
    try:
        stages = {
            stage: [float(row[new] if new in row else row[old]) for row in rows]
            for stage, (new, old) in _COLUMNS.items()
        }
        stages["enqueue"] = [float(row["endEnqMs"]) - float(row["startEnqMs"]) for row in rows]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: {error} is missing in a row; make it with trtexec --exportTimes") from error
    if not rows:
        raise InputError(f"{path}: the last run has no rows; run trtexec again")
    return stages

"""The settings a trtexec run was made with: echoed, or given on the command line that its banner repeats."""

import re

from hil_tests.trtexec.figures import NO_DLA, Report
from onboard.errors import InputError

_BANNER = re.compile(
    r"&&&& (RUNNING|PASSED|FAILED) TensorRT\.trtexec(?: \[TensorRT v(\d+)\])?(?: \[b\w+\])?(?: # (.*))?"
)
_ECHOES = {
    "version": re.compile(r"TensorRT version: (\d+\.\d+(?:\.\d+)*)"),
    "device": re.compile(r"Selected Device: (.+)"),
    "precision": re.compile(r"(?<!\w)Precision: (\S+)"),
    "streams": re.compile(r"Inference Streams: (\d+)"),
    "dla_core": re.compile(r"\[I\] DLACore:[ \t]*(\d*)[ \t]*$"),
}
_SWITCHES = {
    "data_transfers": re.compile(r"Data transfers: (Enabled|Disabled)"),
    "cuda_graph": re.compile(r"CUDA Graph: (Enabled|Disabled)"),
}


def read_settings(lines: list[str], report: Report) -> bool:
    """Fill in what is known of the settings; tells whether anything was.

    Raises:
        InputError: the run is of a TensorRT before 8.4.
    """
    command: str | None = None
    banner = False
    for line in lines:
        if match := _BANNER.search(line):
            banner = True
            report.version = report.version or (spelled(match[2]) if match[2] else None)
            if match[1] != "RUNNING" or line is not lines[-1]:  # a last line may be cut in the middle of a flag
                command = command or match[3]
            if match[1] != "RUNNING":
                report.passed = match[1] == "PASSED"
            if not match[2] and match[3]:
                _refuse(report.name, "before 8.0 (its banner names no version)")
        if "End-to-End Host Latency" in line or re.search(r"\[I\] Host Latency\s*$", line):
            _refuse(report.name, report.version or "before 8.4 (by its layout)")
        for key, pattern in _ECHOES.items():
            if (match := pattern.search(line)) and getattr(report, key) is None:
                setattr(report, key, match[1].strip() or NO_DLA)
        for key, pattern in _SWITCHES.items():
            if match := pattern.search(line):
                setattr(report, key, match[1] == "Enabled")
    if report.version and _numbers(report.version) < (8, 4):
        _refuse(report.name, report.version)
    if command is not None:
        _from_command(report, command)
    return banner or any(getattr(report, key) is not None for key in (*_ECHOES, *_SWITCHES))


def spelled(digits: str) -> str:
    """The banner's number as a version: 8502 is 8.5.2, 101601 is 10.16.1."""
    number = int(digits)
    if number < 10000:
        return f"{number // 1000}.{number // 100 % 10}.{number % 100}"
    return f"{number // 10000}.{number // 100 % 100}.{number % 100}"


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def _from_command(report: Report, command: str) -> None:
    flags = {word.partition("=")[0] for word in command.split()}
    if "--loadEngine" in flags:
        report.precision = None  # what is echoed then are the builder's defaults, not the engine's
    else:
        report.tf32 = "--noTF32" not in flags
        if report.precision is None and (named := sorted(flags & {"--fp16", "--int8", "--bf16", "--fp8", "--best"})):
            report.precision = "+".join(["FP32", *(flag[2:].upper() for flag in named)])
    _placement(report, command)
    if report.version is None:
        return
    eleven = _numbers(report.version) >= (11,)
    if report.data_transfers is None:
        report.data_transfers = "--includeDataTransfers" in flags if eleven else "--noDataTransfers" not in flags
    if report.cuda_graph is None:
        report.cuda_graph = "--noCudaGraph" not in flags if eleven else "--useCudaGraph" in flags


def _placement(report: Report, command: str) -> None:
    """The DLA core and the number of streams where they are not echoed: trtexec's defaults are none and one."""
    given = dict(word.partition("=")[::2] for word in command.split())
    if report.dla_core is None:
        report.dla_core = given.get("--useDLACore", NO_DLA)
    if report.streams is None:
        report.streams = given.get("--infStreams", given.get("--streams", "1"))


def _refuse(name: str, version: str) -> None:
    raise InputError(
        f"{name}: a report of TensorRT {version}; reports of 8.4 to 11 are read. Run it again with a newer trtexec"
    )

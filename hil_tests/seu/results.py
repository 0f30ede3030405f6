"""The campaign's file: a line for each record, only ever added to. What a killed run left half-written is cut off."""

import os
from pathlib import Path
from types import TracebackType

import msgspec

from hil_tests.seu.judge import Facts
from onboard.errors import InputError


class Campaign(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag="campaign", tag_field="kind"):
    """The first line: what the results depend on.

    Attributes:
        bundles: SHA-256 by variant.
        flips, bits, seed: of the plan.
        frames: SHA-256 over the windows and boxes.
        answers: known answers run with every flip.
        rate: of the alarm decision, where it was given; None: the bundle's.
        frame_count: frames run with every flip.
        as_flown: flips that are judged again on the graph as flown.
        runtime: ONNX Runtime's version.
    """

    bundles: dict[str, str]
    flips: int
    bits: int
    seed: int
    frames: str
    answers: int
    rate: float | None
    frame_count: int
    as_flown: int
    runtime: str


class Record(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag="flip", tag_field="kind"):
    """One flip, judged in every variant that has its tensor.

    Attributes:
        number: in the plan.
        found: by variant.
        flown: the same on the optimised graph as flown, of some flips.
    """

    number: int
    found: dict[str, Facts]
    flown: dict[str, Facts] | None = None


_LINE = Campaign | Record


class Results:
    """Opens or goes on with a results file.

    Args:
        path: of the file.
        campaign: what is asked for.

    Attributes:
        records: those in the file, by number.

    Raises:
        InputError: the file is of another campaign, or was altered.
    """

    def __init__(self, path: Path, campaign: Campaign) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.records: dict[int, Record] = {}
        whole = path.read_bytes() if path.exists() else b""
        whole = whole[: whole.rfind(b"\n") + 1]
        lines = [_line(text, path, number) for number, text in enumerate(whole.splitlines(), 1)]
        if lines and lines[0] != campaign:
            raise InputError(
                f"{path}: holds another campaign ({_difference(lines[0], campaign)}); give another --out, or remove it"
            )
        for line in lines[1:]:
            if not isinstance(line, Record):
                raise InputError(f"{path}: holds two campaigns; remove it and start again")
            self.records[line.number] = line
        self._file = path.open("ab")
        self._file.truncate(len(whole))
        if not lines:
            self._write([campaign])

    def add(self, records: list[Record]) -> None:
        """Add a chunk; when this returns it is on the disk."""
        self._write(records)
        self.records.update((record.number, record) for record in records)

    def _write(self, lines: list[Record] | list[Campaign]) -> None:
        self._file.write(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
        self._file.flush()
        os.fsync(self._file.fileno())

    def __enter__(self) -> "Results":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()


def _line(text: bytes, path: Path, number: int) -> Campaign | Record:
    try:
        return msgspec.json.decode(text, type=_LINE)
    except msgspec.DecodeError as error:
        raise InputError(f"{path}:{number}: not a record of a campaign ({error}); remove the file") from error


def _difference(found: Campaign | Record, wanted: Campaign) -> str:
    names = [n for n in wanted.__struct_fields__ if getattr(found, n, None) != getattr(wanted, n)]
    return ", ".join(names)

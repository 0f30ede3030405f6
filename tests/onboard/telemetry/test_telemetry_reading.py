"""The reader: gaps, starts, garbage, and whatever else a file may hold."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onboard.__main__ import main
from onboard.event import Event, Events
from onboard.telemetry.config import FileConfig, TelemetryConfig
from onboard.telemetry.lines import lines
from onboard.telemetry.telemetry import Telemetry
from tests.onboard.telemetry.samples import BUNDLE, PAGE, VERDICT

pytest.importorskip("spacepackets")


class Tape:
    """A link that keeps what it gets."""

    def __init__(self) -> None:
        self.packets: list[bytes] = []
        self.dropped = 0


def recorded(repeats: int = 1) -> list[bytes]:
    """Packets of every kind."""
    tape = Tape()
    config = TelemetryConfig(FileConfig(), apid=7, pose_outputs=("rotation",))
    telemetry = Telemetry(config, tape, lambda packet, _: tape.packets.append(packet), BUNDLE, Events())
    for _ in range(repeats):
        telemetry.verdict(VERDICT)
        telemetry.event(Event("gap", "ids 3 to 5"), "warning", 0)
        telemetry.verification.accepted(9)
        telemetry.verification.failed(9, 1, "no such bundle")
        telemetry.housekeeping(lambda: PAGE)
    return tape.packets


WHOLE = recorded()


def test_every_kind_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "telemetry.bin").write_bytes(b"".join(WHOLE))
    assert main(["telemetry", str(tmp_path / "telemetry.bin")]) == 0
    said = capsys.readouterr()
    found = [json.loads(line) for line in said.out.splitlines()]
    kinds = ["start", "node", "verdict", "pose", "event", "request", "request", "housekeeping", "node"]
    assert [each["kind"] for each in found] == kinds
    assert "8 packets, 1 starts, 0 packets missing in 0 gaps" in said.err
    _, node, verdict, pose, event, accepted, failed, housekeeping, _ = found
    assert node["outputs"] == ["rotation"]
    assert (verdict["status"], verdict["reason"], verdict["is_debris"]) == ("ANSWERED", None, True)
    assert (verdict["run"], verdict["x_max"], verdict["track_alarm_frame"]) == (VERDICT.run, 3.0, 0)
    assert (pose["name"], pose["shape"], pose["values"]) == ("rotation", [1, 3], [1.0, -2.0, 0.5])
    assert (event["name"], event["severity"], event["detail"]) == ("gap", "low", "ids 3 to 5")
    assert (accepted["report"], failed["report"]) == ("accepted", "not_completed")
    assert (failed["request"], failed["code"], failed["text"]) == (9, 1, "no such bundle")
    assert (housekeeping["received"], housekeeping["total_p99_ms"], housekeeping["age_max_ms"]) == (9, 2.0, None)


def test_gaps_starts_and_garbage_are_told() -> None:
    once, again = recorded(), recorded(2)
    torn = once[3][:-1]  # as a killed process leaves it
    told = list(lines(b"".join([*once[:2], *once[4:6], torn, *again[:3], b"noise", *again[4:]]), 130))
    marks = [each for each in told if each["kind"] in ("start", "gap", "garbage")]
    garbage_at = sum(map(len, [*once[:2], *once[4:6]]))
    assert [(each["kind"], each.get("missing"), each.get("size")) for each in marks] == [
        ("start", None, None), ("gap", 2, None), ("garbage", None, len(torn)), ("start", None, None),
        ("garbage", None, 5), ("gap", 1, None),
    ]  # fmt: skip
    assert (marks[1]["before"], marks[2]["offset"]) == (4, garbage_at)


def test_counts_that_wrap_are_no_gap() -> None:
    packets = recorded(2400)  # some 16,800
    told = list(lines(b"".join(packets), 130))
    assert len(told) == len(packets) + 1
    assert {each["sequence"] for each in told[1:]} == set(range(0x4000))


def test_a_file_that_is_none_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["telemetry", str(tmp_path)]) == 2
    assert main(["telemetry", str(tmp_path / "absent.bin")]) == 2
    assert "a file of packets is needed" in capsys.readouterr().err


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(WHOLE) | st.binary(max_size=300), max_size=6))
def test_garbage_between_packets_never_ends_the_reading(parts: list[bytes]) -> None:
    json.dumps(list(lines(b"".join(parts), 130)), allow_nan=False)


@settings(deadline=None, max_examples=300)
@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=400))
def test_any_source_data_in_a_sound_packet_is_read(service: int, subtype: int, data: bytes) -> None:
    from spacepackets.ecss.tm import PusTm

    for kind in ((service, subtype), (130, subtype % 4), (3, 25), (5, subtype % 5), (1, subtype % 9)):
        packet = PusTm(*kind, timestamp=WHOLE[0][13:20], source_data=data, apid=1).pack()
        told = list(lines(bytes(packet), 130))
        assert told[-1]["kind"] != "garbage"
        json.dumps(told, allow_nan=False)


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(WHOLE), st.integers(0, 10_000), st.integers(1, 255))
def test_a_packet_with_an_altered_byte_is_not_believed(packet: bytes, at: int, flip: int) -> None:
    altered = bytearray(packet)
    altered[at % len(packet)] ^= flip
    told = list(lines(bytes(altered), 130))
    assert all(each["kind"] == "garbage" for each in told)

"""What goes out, against bytes written by hand from docs/telemetry.md, and against the library's own parser."""

import math
import re
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onboard.event import Event, Events
from onboard.telemetry import layout
from onboard.telemetry.config import TelemetryConfig, UdpConfig
from onboard.telemetry.reading import Packet, packets
from onboard.telemetry.telemetry import Telemetry
from onboard.telemetry.udp import UdpLink
from onboard.telemetry.verification import request_id
from tests.onboard.telemetry.samples import BUNDLE, PAGE, VERDICT

tm = pytest.importorskip("spacepackets.ecss.tm")
REPOSITORY = Path(__file__).parents[3]


class Bus:
    """A port of the spacecraft's bus, and telemetry that is sent there."""

    def __init__(self, **more: Any) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5.0)
        to = UdpConfig("127.0.0.1", self.socket.getsockname()[1])
        config = TelemetryConfig(to, apid=0x64, destination_id=0x0203, pose_outputs=("pose", "rotation"), **more)
        self.events = Events()
        self.link = UdpLink(to, self.events)
        self.telemetry = Telemetry(config, self.link, self.link.send, BUNDLE, self.events)
        self.first = self.next()

    def next(self) -> bytes:
        return self.socket.recv(65536)


@pytest.fixture
def bus() -> Iterator[Bus]:
    made = Bus()
    yield made
    made.link.close()
    made.socket.close()


def by_hand(data: bytes, header: str, source: str) -> None:
    """A packet is these bytes, but for its time and checksum."""
    assert (data[:13].hex(), data[20:-2].hex()) == (header.replace(" ", ""), source.replace(" ", ""))
    assert data[13] == 0x40
    assert len(data) == int(header.replace(" ", "")[8:12], 16) + 7


def test_a_verdict_and_a_pose_as_written_by_hand(bus: Bus) -> None:
    bus.telemetry.verdict(VERDICT)
    by_hand(
        bus.next(),
        "0864 c001 007c 20 82 01 0000 0203",
        "01 01 0000 000102030405060708090a0b0c0d0e0f 0000000000000005 000000003b9aca00 000000003b9aca01"
        "3f800000 40000000 40400000 40900000 c0000000 3fd0000000000000 01 01 00 01 00000007 00000000"
        "3fe0000000000000 3ff0000000000000 aabbccddeeff0011 00",
    )
    by_hand(
        bus.next(),
        "0864 c002 004d 20 82 02 0000 0203",
        "01 01 000102030405060708090a0b0c0d0e0f 0000000000000005 000000003b9aca00 000000003b9aca01"
        "0001 0003 0000 0000 3f800000 c0000000 3f000000",
    )


def test_who_sends_and_requests_as_written_by_hand(bus: Bus) -> None:
    node = bytes.fromhex("0864c000002c" + "208203" + "0000" + "0203")
    assert bus.first[:13] == node
    assert bus.first[20:22] + bus.first[26:-2] == b"\1\1" + bytes.fromhex(BUNDLE)[:8] + b"\2\4pose\10rotation"
    request = request_id(0x22, 17)
    told = bus.telemetry.verification
    told.failed(request, 0x0102, "no")
    told.accepted(request)
    told.failed(request, 0x0102, "no")
    told.accepted(request)
    told.completed(request)
    for sequence, subtype, count, source in [
        (1, 2, 0, "1022c011 0102 6e6f"), (2, 1, 0, "1022c011"), (3, 8, 0, "1022c011 0102 6e6f"),
        (4, 1, 1, "1022c011"), (5, 7, 0, "1022c011"),
    ]:  # fmt: skip
        length = 15 + len(bytes.fromhex(source))
        by_hand(bus.next(), f"0864 c{sequence:03x} {length:04x} 20 01 {subtype:02x} {count:04x} 0203", source)


def test_events_go_out_by_their_severity(bus: Bus) -> None:
    levels = [("started", "info"), ("gap", "warning"), ("output_lost", "warning"), ("unavailable", "fatal")]
    for sequence, (name, level) in enumerate([*levels, ("never_heard", "warning")], 1):
        before = time.monotonic_ns()
        bus.telemetry.event(Event(name, "why"), level, 3)
        data = bus.next()
        subtype, number, text = [
            (1, 1, b"why"), (2, 32, b"why"), (3, 15, b"why"), (4, 7, b"why"), (2, 0, b"never_heard: why"),
        ][sequence - 1]  # fmt: skip
        version, event, stamp, left_out = struct.unpack(">BHQI", data[20:35])
        assert (data[7], data[8], version, event, left_out, data[35:-2]) == (5, subtype, 1, number, 3, text)
        assert before <= stamp <= time.monotonic_ns()


def test_housekeeping_as_written_by_hand(bus: Bus) -> None:
    bus.telemetry.housekeeping(lambda: PAGE)
    data = bus.next()
    none = "7fc00000" * 15
    assert data[:13].hex() == "0864c001" + "012d" + "200319" + "0000" + "0203"
    assert data[20:22].hex() == "0101"
    monotonic, utc = struct.unpack(">QQ", data[22:38])
    assert 0 <= time.monotonic_ns() - monotonic < 5e9
    assert 0 <= time.time_ns() - utc < 5e9
    counts = [9, 5, 2, 2, 3, 4, 0, 7, 6, 0, 8, 12, 13, 11]
    assert data[38:-2].hex() == (
        "aabbccddeeff0011" + "01" + "01" + "".join(f"{count:016x}" for count in counts)
        + none + "3f80000040000000" + "40800000" + "00000002" + "3fe0000000000000" + "00"
        + "".join(f"{count:016x}" for count in (14, 15, 16, 1)) + "42480000" + "40000000"
        + "01" + "7fc00000" * 3 + f"{17:016x}"
    )  # fmt: skip


@pytest.mark.parametrize("time_code", ["cds", "cuc"])
def test_the_librarys_own_parser_and_the_command_read_the_same(time_code: str) -> None:
    bus = Bus(time_code=time_code)
    bus.telemetry.verdict(VERDICT)
    data = bus.next()
    found = tm.PusTm.unpack(data, {"cds": 7, "cuc": 8}[time_code])  # which checks the checksum
    (read,) = packets(data)
    assert isinstance(read, Packet)
    assert read[:6] == (100, 1, 130, 1, 0, 0x0203)
    header = found.pus_tm_sec_header
    assert read[:6] == (
        found.apid, found.seq_count, found.service, found.message_subtype, header.message_counter, header.dest_id
    )  # fmt: skip
    assert read.data == found.source_data
    assert layout.VERDICT.size == len(read.data)
    now = {"utc_s": time.time(), "monotonic_s": time.monotonic()}
    ((name, stamp),) = read.time.items()
    assert name == {"cds": "utc_s", "cuc": "monotonic_s"}[time_code]
    assert 0 <= now[name] - stamp < 5


def test_an_output_too_large_for_a_packet_leaves_a_gap(bus: Bus) -> None:
    bus.telemetry.verdict(msgspec.structs.replace(VERDICT, outputs={"rotation": [0.0] * 20_000}))
    bus.telemetry.verification.accepted(1)
    (verdict,), (request,) = packets(bus.next()), packets(bus.next())
    assert isinstance(verdict, Packet)
    assert isinstance(request, Packet)
    assert (verdict.sequence, request.sequence) == (1, 3)
    assert bus.telemetry.state() == {"dropped": 0, "failed": 1}
    assert [event.name for event in bus.events.take()] == ["telemetry_failed"]


def test_a_box_too_large_for_its_field_is_infinite_and_costs_no_packet(bus: Bus) -> None:
    bus.telemetry.verdict(msgspec.structs.replace(VERDICT, box=(-1e39, 2.0, 1e39, 4.5)))
    (read,) = packets(bus.next())
    assert isinstance(read, Packet)
    found = layout.VERDICT.unpack(read.data)
    assert [found[side] for side in ("x_min", "y_min", "x_max", "y_max")] == [-math.inf, 2.0, math.inf, 4.5]
    assert bus.telemetry.state() == {"dropped": 0, "failed": 0}


def test_a_verdict_that_cannot_be_packed_leaves_a_gap_and_its_pose_goes_out(bus: Bus) -> None:
    bus.telemetry.verdict(msgspec.structs.replace(VERDICT, bundle="no hexadecimal digits"))
    (pose,) = packets(bus.next())
    assert isinstance(pose, Packet)
    assert (pose.subtype, pose.sequence) == (2, 2)  # 1 was the verdict's
    assert bus.telemetry.state() == {"dropped": 0, "failed": 1}
    bus.telemetry.verdict(VERDICT)
    (verdict,) = packets(bus.next())
    assert isinstance(verdict, Packet)
    assert (verdict.sequence, verdict.type_count) == (3, 1)


def test_counts_wrap(bus: Bus) -> None:
    for _ in range(0x4000):
        bus.telemetry.verification.accepted(1)
        last = bus.next()
    (read,) = packets(last)
    assert isinstance(read, Packet)
    assert (read.sequence, read.type_count) == (0, 0x3FFF)


def test_the_tables_of_the_documentation_are_the_layouts() -> None:
    text = (REPOSITORY / "docs" / "telemetry.md").read_text()
    titles = {
        "Verdict": layout.VERDICT, "Pose output": layout.POSE, "Who sends": layout.NODE, "Event": layout.EVENT,
        "Housekeeping": layout.HOUSEKEEPING, "Requests: 1, 1": layout.REQUEST, "Requests: 1, 2": layout.FAILED_REQUEST,
    }  # fmt: skip
    for title, expected in titles.items():
        part = text.split(f"\n## {title}")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (\d+) \| ([^|]+) \| `(\w+)` \|", part, re.MULTILINE)
        assert [(int(at), kind, name) for at, kind, name in rows] == expected.offsets()
        assert f"\n{expected.size} bytes" in part

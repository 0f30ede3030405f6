"""What a configuration says of telemetry."""

from typing import Annotated, Literal

import msgspec

Byte2 = Annotated[int, msgspec.Meta(ge=0, le=0xFFFF)]


class UdpConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="udp"):
    """One packet a datagram, neither encrypted nor acknowledged: for a bus that is trusted.

    Attributes:
        host: name or address; looked up once, at the start.
        port: there.
    """

    host: str
    port: Annotated[int, msgspec.Meta(ge=1, le=0xFFFF)]


class FileConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="file"):
    """Packets one behind the other.

    Attributes:
        path: null: `telemetry.bin` in `output.folder`.
        file_mb: a file that reaches this size becomes `<name>.1.bin`, in place of the one before.
    """

    path: str | None = None
    file_mb: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 256


class TelemetryConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Packets of this node.

    Attributes:
        to: where they go.
        apid: application process id of all of them; 2047 means idle and is not allowed.
        destination_id: in every secondary header.
        verdict_service: the mission's own service that carries verdicts; 1, 3 and 5 are the standard's.
        time_code: `cds`: the host's UTC, CDS short; `cuc`: the host's monotonic clock, CUC 4 + 3, epoch its boot.
        housekeeping_s: from one housekeeping report to the next.
        verdicts: whether verdicts are sent.
        pose_outputs: names of the pose network's outputs to send, each in a packet of its own; the place in this list
            is the index in the packet.
    """

    to: UdpConfig | FileConfig
    apid: Annotated[int, msgspec.Meta(ge=0, le=2046)]
    destination_id: Byte2 = 0
    verdict_service: Annotated[int, msgspec.Meta(ge=128, le=255)] = 130
    time_code: Literal["cds", "cuc"] = "cds"
    housekeeping_s: Annotated[float, msgspec.Meta(ge=0.1, le=86_400)] = 10
    verdicts: bool = True
    pose_outputs: Annotated[tuple[str, ...], msgspec.Meta(max_length=64)] = ()

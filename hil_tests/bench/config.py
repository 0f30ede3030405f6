"""What a campaign is told: one YAML file, configs/bench.yaml."""

from pathlib import Path
from typing import Annotated, Any

import msgspec

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.sockets import Curve

Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=60_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=3600)]


class StreamSetup(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How the bench plays a camera.

    Attributes:
        data: a SPARK folder (with val.csv or train.csv), a folder of tracks, or a raw recording (`.drfm`).
        pictures: that are held in memory at most; the stream repeats them.
        rate_hz: exposures each second.
        exposure_ms: from an exposure's start to its end.
        jitter_ms: standard deviation of the exposure's start about its due time, cut at three.
        transport_ms: mean of the exponential time from the exposure's end to sending: readout and driver.
        queue: messages that ZeroMQ keeps for the node; beyond, the bench counts them as refused.
    """

    data: str
    pictures: Annotated[int, msgspec.Meta(ge=2, le=100_000)] = 60
    rate_hz: Annotated[float, msgspec.Meta(gt=0, le=2000)] = 10
    exposure_ms: Milliseconds = 5
    jitter_ms: Milliseconds = 0.5
    transport_ms: Milliseconds = 2
    queue: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 16


class NodeSetup(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A node that the bench starts itself, on this host.

    Attributes:
        bundle: folder of the flight bundle; the node gets a copy, for some faults damage it.
        settings: keys of the node's own configuration by dotted name, such as `stale_ms` or `sanity.frozen`.
        restart_s: from a node's death to its next start, as systemd's RestartSec; null: it is not started again.
        keep_journal: false removes the journal before each restart: a sabotage, to see what the journal is for.
        keep_hashes: false writes a damaged file's hash anew, as if nothing checked it: a sabotage as well.
        sign: the node's copy of the bundle is signed with a key of the campaign's own, whose public half the node gets.
    """

    bundle: str
    settings: dict[str, Any] = {}
    restart_s: Annotated[float, msgspec.Meta(ge=0, le=60)] | None = 0.1
    keep_journal: bool = True
    keep_hashes: bool = True
    sign: bool = False


class RemoteSetup(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A node that flies already, on this host or another one.

    Attributes:
        frames: endpoint that its `source` waits at, such as tcp://192.0.2.7:5555.
        verdicts: endpoint that its `output.socket` (kind push) waits at.
        clock: endpoint of `python -m hil_tests clock` on its host; null: both are one host.
        curve: keys; needed beyond this host.
        journal: a command that prints the records, such as [ssh, board, python, -m, onboard, journal, RING, --records],
            where the ring is large enough to hold them all; null: the ledger is kept from verdicts alone.
    """

    frames: str
    verdicts: str
    clock: str | None = None
    curve: Curve | None = None
    journal: Annotated[tuple[str, ...], msgspec.Meta(min_length=1)] | None = None


class BenchConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One campaign.

    Attributes:
        stream: what is sent.
        node, remote: the node under test; one of the two.
        limits: YAML file that it is judged by.
        frames: that are sent; a fault plan may need more.
        deadline_ms: from an exposure's start until its verdict is here.
        stale_ms: the node's own, which decides how old a stale frame has to be made.
        seed: of jitter and transport.
    """

    stream: StreamSetup
    limits: str
    node: NodeSetup | None = None
    remote: RemoteSetup | None = None
    frames: Annotated[int, msgspec.Meta(ge=10, le=10_000_000)] = 200
    deadline_ms: Annotated[float, msgspec.Meta(gt=0, le=60_000)] = 100
    stale_ms: Annotated[float, msgspec.Meta(gt=0, le=60_000)] = 1000
    seed: Annotated[int, msgspec.Meta(ge=0)] = 0


def load(path: Path, overrides: dict[str, Any] | None = None) -> BenchConfig:
    """Read a campaign's configuration.

    Raises:
        InputError: the file does not fit, or names no node, or two.
    """
    config = strict_yaml.load(path, BenchConfig, overrides)
    if (config.node is None) == (config.remote is None):
        raise InputError(f"{path}: one of 'node' (started here) and 'remote' (flies already) is needed")
    return config

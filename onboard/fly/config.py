"""What a node that flies is told: one YAML file, configs/node.yaml."""

from typing import Annotated, Literal

import msgspec

from onboard.config import Runtime
from onboard.control.config import ControlConfig
from onboard.finder.config import FinderConfig
from onboard.fly.realtime import RealtimeConfig
from onboard.health.config import HealthConfig
from onboard.sanity import SanityConfig
from onboard.signing import SignatureConfig
from onboard.sockets import Curve
from onboard.sources.config import SourceConfig
from onboard.telemetry.config import TelemetryConfig
from onboard.watchdog.config import WatchdogConfig

Share = Annotated[float, msgspec.Meta(gt=0, lt=1)]
Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=3_600_000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]


class JournalConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where every frame's record is kept; see docs/journal.md.

    Attributes:
        ring: the mapped file; best on a tmpfs such as /run or /dev/shm.
        archive: folder for records that leave the ring; null: only totals are kept.
        records: that the ring holds; a multiple of 16.
        archive_files: the most files in the archive.
    """

    ring: str
    archive: str | None = None
    records: Annotated[int, msgspec.Meta(ge=16, le=1 << 24, multiple_of=16)] = 16384
    archive_files: Count = 64


class SocketConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Verdict messages (docs/wire.md) over ZeroMQ.

    Attributes:
        kind: `push` to one receiver, whose absence or slowness is counted; `pub` to any number of subscribers, where
            ZeroMQ itself drops what a slow one does not take, uncounted.
        endpoint: such as tcp://127.0.0.1:5556 or ipc:///run/debris/verdicts.
        bind: wait here for the receivers; false: connect to one that waits.
        curve: keys; needed beyond loopback.
        queue: verdicts that ZeroMQ keeps for a receiver.
    """

    kind: Literal["push", "pub"]
    endpoint: str
    bind: bool = True
    curve: Curve | None = None
    queue: Annotated[int, msgspec.Meta(ge=1, le=100_000)] = 100


class OutputConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Where results go.

    Attributes:
        folder: gets `summary.json`, `events.jsonl`, `node.yaml` and `verdicts.jsonl`.
        verdicts: whether to write the last of these.
        socket: also send verdicts; null: do not.
        pose_outputs: names of the pose network's outputs that verdicts carry, and that have to be finite; null: all.
        file_mb: a file of lines that reaches this size becomes `<name>.1.jsonl`, in place of the one before.
        queue: lines that wait for the storage at most; beyond, they are dropped and counted.
        summary_s: how often the summary is written.
        event_s: of events with one name, one is written in this time; the others are counted. Fatal ones always are.
    """

    folder: str
    verdicts: bool = True
    socket: SocketConfig | None = None
    pose_outputs: tuple[str, ...] | None = None
    file_mb: Annotated[float, msgspec.Meta(gt=0, le=100_000)] = 256
    queue: Count = 1024
    summary_s: Seconds = 10
    event_s: Annotated[float, msgspec.Meta(ge=0, le=86_400)] = 10


class InvalidConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What is done when the graph gives nonsense.

    Attributes:
        logit_limit: a logit of a larger size is nonsense as well.
        in_a_row: invalid frames after which the engine is loaded again from its files.
        reloads: of one engine, after which the next is tried: ONNX Runtime behind TensorRT, behind it none.
        healthy_frames: valid frames in a row after which earlier reloads are forgotten.
    """

    logit_limit: Annotated[float, msgspec.Meta(gt=0)] = 1e6
    in_a_row: Count = 3
    reloads: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 2
    healthy_frames: Count = 1000


class Budgets(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Milliseconds that each stage of a frame may take; null: any. Misses are counted, and change nothing.

    Attributes:
        age: from the exposure's start to the arrival in this process.
        read: from the arrival to the window: checksums, journal, freshness, sanity.
        find: finding a box, where none was given.
        window: cutting it.
        infer: the engine.
        send: terminal record, and handing the verdict over.
        total: from the arrival until the verdict is sent.
    """

    age: Milliseconds | None = None
    read: Milliseconds | None = None
    find: Milliseconds | None = None
    window: Milliseconds | None = None
    infer: Milliseconds | None = None
    send: Milliseconds | None = None
    total: Milliseconds | None = None


class NodeConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One node.

    Attributes:
        bundle: folder of the flight bundle.
        source: where frames come from; see `onboard.sources.config`.
        journal: where their records are kept.
        output: where verdicts go.
        runtime: how the graph is run.
        signature: the key whose owner must have signed bundle and engine; none by default.
        sanity: which frames are refused before any work.
        finder: how a box is found where a frame has none; null: it is REJECTED(no_box).
        invalid: what is done when the graph gives nonsense.
        health: how it looks after itself.
        watchdog: how long each part of the node may take to answer.
        stale_ms: a frame whose exposure began longer ago is SKIPPED(stale); null: none is.
        deadline_ms: from the exposure's start until the verdict is sent; later ones are counted; null: not counted.
        deadlines: a budget for each stage of a frame.
        realtime: what the loop asks of the kernel.
        clock_offset_ms: this host's monotonic clock less the sender's, measured; 0 where both are one host.
        clock_drift_ms: a move of the least time from sending to arrival that is told (`clock_drift`); null: none is.
        control: socket for commands (docs/control.md); null: there is none.
        tracks: whether each run is one track, judged where the bundle is calibrated on tracks.
        false_alarm_rate, confidence: as in a replay; null: the bundle's own.
        telemetry: CCSDS packets, see docs/telemetry.md; null: none.
    """

    bundle: str
    source: SourceConfig
    journal: JournalConfig
    output: OutputConfig
    runtime: Runtime = Runtime()
    signature: SignatureConfig = SignatureConfig()
    sanity: SanityConfig = SanityConfig()
    finder: FinderConfig | None = None
    invalid: InvalidConfig = InvalidConfig()
    health: HealthConfig = HealthConfig()
    watchdog: WatchdogConfig = WatchdogConfig()
    stale_ms: Milliseconds | None = 1000
    deadline_ms: Milliseconds | None = 100
    deadlines: Budgets = Budgets()
    realtime: RealtimeConfig = RealtimeConfig()
    clock_offset_ms: Annotated[float, msgspec.Meta(ge=-1e15, le=1e15)] = 0.0
    clock_drift_ms: Milliseconds | None = 5
    control: ControlConfig | None = None
    tracks: bool = True
    false_alarm_rate: Share | None = None
    confidence: Share | None = None
    telemetry: TelemetryConfig | None = None

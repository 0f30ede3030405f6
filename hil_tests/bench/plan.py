"""Which fault strikes which frame: a YAML file and a seed give the same list every time."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, cast, get_args

import msgspec
import numpy as np

from onboard import strict_yaml
from onboard.errors import InputError

MessageKind = Literal[
    "drop", "duplicate", "reorder", "delay", "burst", "stall",
    "truncate", "truncate_header", "corrupt", "corrupt_header",
    "stale", "clock_step", "frozen", "black", "saturated", "hot_pixels",
    "wrong_size", "too_large",
    "box_jitter", "box_shift", "box_scale", "box_missing", "box_outside", "box_nan",
]  # fmt: skip
MemoryKind = Literal["weight_flip", "weight_huge"]
ProcessKind = Literal[
    "stop", "kill", "disk_full", "disk_full_kill", "bundle_corrupt", "bundle_rot", "cpu_hog", MemoryKind
]
Kind = MessageKind | ProcessKind
MESSAGE_KINDS: tuple[MessageKind, ...] = get_args(MessageKind)
MEMORY_KINDS: tuple[MemoryKind, ...] = get_args(MemoryKind)
PROCESS_KINDS: tuple[ProcessKind, ...] = get_args(ProcessKind)

Count = Annotated[int, msgspec.Meta(ge=0, le=1_000_000)]
Seed = Annotated[int, msgspec.Meta(ge=0)]
Frames = Annotated[int, msgspec.Meta(ge=1, le=100_000)]
Milliseconds = Annotated[float, msgspec.Meta(gt=0, le=600_000)]


class FaultPlan(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How many of each fault, and how large they are.

    Attributes:
        seed: of order and details.
        faults: how many of each kind.
        every: a fault strikes one of so many frames; the others are clean, and are what latency is measured on.
        settle_ms: clean frames behind a fault of the process, so that what follows is not mistaken for it.
        warm_up_frames: clean frames before the first.
        delay_ms: a delayed frame's.
        burst_frames, stall_ms: frames held back and then sent at once; for how long a network stands still.
        clock_step_ms: by which the sender's clock is ahead for one frame.
        process_ms: how long the node stands still, the disk is full, the bundle is damaged, the processor is hogged.
        rot_ms: how long a file of the flying bundle is damaged; the node that the bench starts is told to look at all
            of them in a quarter of it.
        flip_ms: how long a flip in the node's memory is given before clean frames follow; the node that the bench
            starts is told to ask a known answer in a third of it.
    """

    seed: Seed
    faults: dict[Kind, Count]
    every: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 3
    settle_ms: Milliseconds = 3000
    warm_up_frames: Frames = 20
    delay_ms: Milliseconds = 150
    burst_frames: Annotated[int, msgspec.Meta(ge=2, le=50)] = 4
    stall_ms: Milliseconds = 500
    clock_step_ms: Milliseconds = 10_000
    process_ms: Milliseconds = 1000
    rot_ms: Milliseconds = 4000
    flip_ms: Milliseconds = 4000

    def has(self, *kinds: Kind) -> bool:
        """Whether one of these faults is in it."""
        return any(self.faults.get(kind, 0) for kind in kinds)


@dataclass(frozen=True)
class Injection:
    """One fault.

    Attributes:
        frame_id: the frame that it strikes, or that it is begun at.
        kind: which.
        seed: of its details: which bytes, how far.
        frames: how many frames in a row it takes.
    """

    frame_id: int
    kind: Kind
    seed: int
    frames: int = 1

    @property
    def of_process(self) -> bool:
        return self.kind in PROCESS_KINDS


@dataclass(frozen=True)
class Schedule:
    """All faults in the order of their frames, and how many frames they need."""

    injections: tuple[Injection, ...]
    frames: int


def read(path: Path) -> FaultPlan:
    """Read a fault plan.

    Raises:
        InputError: the file does not fit.
    """
    text = strict_yaml.text_of(strict_yaml.read(path), path)
    faults = strict_yaml.parse(text, str(path)).get("faults")
    known = (*MESSAGE_KINDS, *PROCESS_KINDS)
    if isinstance(faults, dict) and (unknown := [kind for kind in faults if kind not in known]):
        raise InputError(f"{path}: faults: '{unknown[0]}' is no fault; there are {', '.join(known)}")
    return strict_yaml.load(path, FaultPlan)


def schedule(plan: FaultPlan, rate_hz: float) -> Schedule:
    """Lay the faults over frames, in a drawn order; the same plan and rate give the same schedule."""
    draw = np.random.default_rng(plan.seed)
    kinds = [kind for kind in (*MESSAGE_KINDS, *PROCESS_KINDS) for _ in range(plan.faults.get(kind, 0))]
    found, at = [], plan.warm_up_frames
    for place in draw.permutation(len(kinds)):
        kind = cast(Kind, kinds[place])
        frames = _length(plan, kind, rate_hz)
        found.append(Injection(at, kind, int(draw.integers(1 << 32)), frames))
        at += frames + (_frames(plan.settle_ms, rate_hz) if kind in PROCESS_KINDS else plan.every - 1)
    return Schedule(tuple(found), at)


def _length(plan: FaultPlan, kind: Kind, rate_hz: float) -> int:
    """Frames that a fault takes, with those that are sent while it lasts."""
    if kind == "reorder":
        return 2
    if kind == "burst":
        return plan.burst_frames
    if kind == "stall":
        return _frames(plan.stall_ms, rate_hz)
    if kind == "delay":
        return 1 + _frames(plan.delay_ms, rate_hz)
    if kind == "bundle_rot":
        return 1 + _frames(plan.rot_ms, rate_hz)
    if kind in MEMORY_KINDS:
        return 1 + _frames(plan.flip_ms, rate_hz)
    if kind in PROCESS_KINDS:
        return 1 + _frames(plan.process_ms, rate_hz)
    return 1


def _frames(time_ms: float, rate_hz: float) -> int:
    return max(2, int(np.ceil(time_ms / 1000 * rate_hz)))

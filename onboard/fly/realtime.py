"""The loop's thread before all others: real-time priority, cores of its own, memory that stays in memory."""

import ctypes
import os
import resource
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec

from onboard.event import Events

_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_CAP_IPC_LOCK = 14


class RealtimeConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What the loop asks of the kernel; what it does not permit is told as an event, and the node flies without it.

    Attributes:
        priority: SCHED_FIFO, of the loop's thread and of those that it waits for at each frame; null: as any process.
        cores: that the loop's thread may run on, counted from 0; null: all.
        lock_memory: keep every page that was touched, of code too, in memory.
    """

    priority: Annotated[int, msgspec.Meta(ge=1, le=99)] | None = None
    cores: Annotated[tuple[Annotated[int, msgspec.Meta(ge=0, le=4095)], ...], msgspec.Meta(min_length=1)] | None = None
    lock_memory: bool = False


def ask_for(config: RealtimeConfig, events: Events, helpers: Sequence[int] = ()) -> None:
    """Set what is configured for the thread that calls this; threads that it starts later have no priority.

    Args:
        config: what to ask for.
        helpers: threads that get the priority too, for the loop waits for them.
        events: told of what was refused: `priority_refused`, `cores_refused`, `memory_not_locked`.
    """
    if (cores := config.cores) is not None:
        remedy = f"this machine has cores {_span(os.sched_getaffinity(0))}; set realtime.cores, or CPUAffinity= there"
        _try(events, "cores_refused", f"realtime.cores {list(cores)}", remedy, lambda: os.sched_setaffinity(0, cores))
    if (priority := config.priority) is not None:
        remedy = f"set LimitRTPRIO={priority} or more in the unit, or give CAP_SYS_NICE; the loop has no priority"
        _try(
            events,
            "priority_refused",
            f"realtime.priority {priority}",
            remedy,
            lambda: _first_in_first_out(priority, (0, *helpers)),
        )
    if config.lock_memory:
        remedy = "set LimitMEMLOCK=infinity in the unit, or give CAP_IPC_LOCK; pages may leave the memory"
        _try(events, "memory_not_locked", "realtime.lock_memory", remedy, _lock_memory)


def _try(events: Events, name: str, what: str, remedy: str, setting: Callable[[], None]) -> None:
    try:
        setting()
    except OSError as error:
        events.add(name, f"{what}: {error.strerror}; {remedy}")


def _first_in_first_out(priority: int, threads: Sequence[int]) -> None:
    for thread in threads:
        # A thread made later, which loads an engine, must not take the loop's turn.
        os.sched_setscheduler(thread, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(priority))


def _lock_memory() -> None:
    """Lock pages once they are touched; under a finite limit nothing is locked, for later allocations would fail."""
    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    if limit != resource.RLIM_INFINITY and not _may_lock():
        raise PermissionError(1, f"at most {limit} bytes may be locked here")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mlockall(_MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _may_lock() -> bool:
    lines = Path("/proc/self/status").read_text().splitlines()
    effective = next(int(line.split()[1], 16) for line in lines if line.startswith("CapEff:"))
    return bool(effective >> _CAP_IPC_LOCK & 1)


def _span(cores: set[int]) -> str:
    return ", ".join(map(str, sorted(cores)))

"""What the tracks of one process leave to the next: their state, frame by frame, and the drift monitor's capital."""

import hashlib
import math
from contextlib import suppress
from pathlib import Path

import msgspec

from onboard import files
from onboard.drift import DriftMonitor, DriftState
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.storage import Storage, write_whole
from onboard.fly.track_file import MOST_RECENT, KeptTrack, TrackFile
from onboard.track import TrackMemory, TrackRule


def tracks_beside(ring: Path) -> Path:
    """Where the tracks of a journal's runs lie."""
    return ring.with_name(f"{ring.name}.tracks")


def drift_beside(ring: Path) -> Path:
    """Where their drift monitor's state lies."""
    return ring.with_name(f"{ring.name}.drift.json")


class _KeptDrift(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    state: DriftState


class Kept:
    """Two files beside the journal's ring: `<ring>.tracks`, mapped and written in the loop, and `<ring>.drift.json`,
    which the storage thread writes when a track has reached its horizon.

    Args:
        ring: of the journal, which this process holds.
        most: tracks at a time.
        storage: writes the drift monitor's state.
        events: told of a state that was damaged.

    Raises:
        InputError: the mapped file cannot be made.
    """

    def __init__(self, ring: Path, most: int, storage: Storage, events: Events) -> None:
        self._storage, self._events = storage, events
        self._drift = drift_beside(ring)
        files.remove_left_parts(ring.parent, self._drift.name)
        self._tracks = TrackFile(tracks_beside(ring), most)
        self._rule: TrackRule | None = None
        self._name = ""
        self._drift_is_void = False

    @property
    def why_in_memory(self) -> str | None:
        """What the storage said that took no mapped file; None: it did."""
        return self._tracks.why_in_memory

    def begin(self, rule: TrackRule, bundle: str) -> list[KeptTrack]:
        """Keep tracks of this rule and bundle; gives those that were kept of the two, and forgets all others."""
        name = hashlib.sha256(f"{bundle} {rule.limit!r}".encode())
        self._rule, self._name = rule, name.hexdigest()
        return self._tracks.begin(name.digest())

    def keep(self, run: bytes, highest_id: int, memory: TrackMemory) -> None:
        """Write a track's state. A `k_of_n` that looks back further than there is room for is forgotten: a process that
        went on from its last state that had room would judge by it."""
        if len(memory.recent) <= MOST_RECENT:
            self._tracks.keep(run, highest_id, memory)
        else:
            self._tracks.forget(run)

    def forget(self, run: bytes) -> None:
        """Give up a track, where it was kept."""
        self._tracks.forget(run)

    def forget_all(self) -> None:
        """Give up every track and the drift monitor's state, for another bundle flies; to be called before `begin`."""
        self._tracks.clear()
        self._drift_is_void = True
        self._storage.offer(self._remove_drift)

    def drift(self) -> DriftMonitor | None:
        """The monitor of the rule where it was, or a fresh one; None where no normal track has a finite number, or they
        are other heads'. A state of another rule is removed, for it does not go on later either."""
        assert self._rule is not None
        maxima = [] if self._rule.is_for_unseen else self._rule.maxima.tolist()
        numbers = [value for value in maxima if math.isfinite(value)]
        found = None if self._drift_is_void else self._kept_drift()
        if found is None:
            self._storage.offer(self._remove_drift)
        if not numbers:
            return None
        return found or DriftMonitor.fresh(numbers)

    def keep_drift(self, monitor: DriftMonitor) -> None:
        """Write the monitor's state, as soon as the storage comes to it."""
        data = msgspec.json.encode(_KeptDrift(self._name, monitor.state))
        write_whole(self._storage, self._drift, lambda: data, self._events)

    def _kept_drift(self) -> DriftMonitor | None:
        try:
            with files.open_regular(self._drift) as file:
                kept = msgspec.json.decode(file.read(), type=_KeptDrift)
            return DriftMonitor(kept.state) if kept.rule == self._name else None
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError, InputError) as error:
            self._events.add("drift_lost", f"{self._drift}: {error}; the drift monitor begins anew")
        return None

    def _remove_drift(self) -> None:
        with suppress(OSError):
            self._drift.unlink(missing_ok=True)

    def close(self) -> None:
        self._tracks.close()

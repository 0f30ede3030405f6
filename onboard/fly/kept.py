"""What the tracks of one process leave to the next: their state, frame by frame, and the drift monitor's capital."""

import hashlib
import math
from pathlib import Path

import msgspec

from onboard.drift import DriftMonitor, DriftState
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.storage import Storage, write_whole
from onboard.fly.track_file import TrackFile
from onboard.track import TrackRule


class _KeptDrift(msgspec.Struct, forbid_unknown_fields=True):
    rule: str
    state: DriftState


class Kept:
    """Two files beside the journal's ring: `<ring>.tracks`, mapped and written in the loop, and `<ring>.drift.json`,
    which the storage thread writes when a track has reached its horizon.

    Args:
        ring: of the journal, which this process holds.
        bundle: SHA-256 of the bundle; what was kept under another one is forgotten.
        rule: of the tracks; as for the bundle.
        most: tracks at a time.
        storage: writes the drift monitor's state.
        events: told of a state that was damaged.

    Attributes:
        tracks: the mapped file.

    Raises:
        InputError: the file cannot be made.
    """

    def __init__(self, ring: Path, bundle: str, rule: TrackRule, most: int, storage: Storage, events: Events) -> None:
        self._rule, self._storage, self._events = rule, storage, events
        name = hashlib.sha256(f"{bundle} {rule.limit!r}".encode())
        self._name = name.hexdigest()
        self._drift = ring.with_name(f"{ring.name}.drift.json")
        self.tracks = TrackFile(ring.with_name(f"{ring.name}.tracks"), name.digest(), most, rule.statistic.n)

    def drift(self) -> DriftMonitor | None:
        """The monitor where it was, or a fresh one; None where no normal track has a finite number."""
        numbers = [value for value in map(float, self._rule.maxima) if math.isfinite(value)]
        if not numbers:
            return None
        try:
            kept = msgspec.json.decode(self._drift.read_bytes(), type=_KeptDrift)
            if kept.rule == self._name:
                return DriftMonitor(kept.state)
        except FileNotFoundError:
            pass
        except (OSError, ValueError, RecursionError, InputError) as error:
            self._events.add("drift_lost", f"{self._drift}: {error}; the drift monitor begins anew")
        return DriftMonitor.fresh(numbers)

    def keep_drift(self, monitor: DriftMonitor) -> None:
        """Write the monitor's state, as soon as the storage comes to it."""
        data = msgspec.json.encode(_KeptDrift(self._name, monitor.state))
        write_whole(self._storage, self._drift, data, self._events)

    def close(self) -> None:
        self.tracks.close()

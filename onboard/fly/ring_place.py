"""A ring that is taken from its place goes on as a file without a name: told, for its records can still be saved."""

import time
from contextlib import suppress
from pathlib import Path

from onboard.event import Events
from onboard.fly.storage import Storage
from onboard.journal import Journal

_LOOK_S = 1.0


class RingPlace:
    """Looks once a second whether the journal's ring is still at its place, until it is not.

    Args:
        journal: that is open.
        ring: its place.
        storage: its thread looks.
        events: told `journal_not_kept`, once.
    """

    def __init__(self, journal: Journal, ring: Path, storage: Storage, events: Events) -> None:
        self._journal, self._ring, self._events = journal, ring, events
        self._due_s: float | None = time.monotonic() + _LOOK_S
        if journal.in_memory is None:  # else that was told at the start
            storage.each_round(self._look)

    def _look(self) -> None:
        if self._due_s is None or time.monotonic() < self._due_s:
            return
        self._due_s = time.monotonic() + _LOOK_S
        with suppress(OSError):  # a storage that does not say is no sign of it
            if self._journal.is_at(self._ring):
                return
            self._due_s = None
            lost = "a restart finds no record of this flight there, neither what was open nor what would be a duplicate"
            what_to_do = f"before one, read it: python -m onboard journal --records {self._journal.open_at}"
            why = f"{self._ring} was removed or moved away: records go on into the file that was there, and {lost}"
            self._events.add("journal_not_kept", f"{why}; {what_to_do}")

"""Which bundle was chosen last, on storage: a restart that flew another one would be a surprise."""

import time
from collections.abc import Callable
from pathlib import Path

from onboard import files, strict_yaml
from onboard.event import Events
from onboard.fly.storage import Storage
from onboard.health.choice import Chosen

_AGAIN_S = 1.0


class ChoiceFile:
    """Writes `chosen.yaml`; where the disk is full, again and again until there is room.

    Args:
        path: of the file.
        storage: its thread writes it.
        events: told `choice_lost`, once of each choice that could not be written at once.
        chosen: gives what is chosen; asked by that thread. What it gives first is there, or need not be,
            where the next says so.
        is_there: False: that is still to be written.
    """

    def __init__(
        self, path: Path, storage: Storage, events: Events, chosen: Callable[[], Chosen], is_there: bool = True
    ) -> None:
        self._path, self._events, self._chosen = path, events, chosen
        self._told = chosen()
        self._written: Chosen | None = self._told if is_there else None
        self._due_s = 0.0
        storage.each_round(self._write)

    def _write(self) -> None:
        wanted = self._chosen()
        if wanted is self._written or (wanted is self._told and time.monotonic() < self._due_s):
            return
        try:
            files.write_bytes(self._path, strict_yaml.dump(wanted).encode())
            self._written = wanted
        except OSError as error:
            self._due_s = time.monotonic() + _AGAIN_S
            if wanted is not self._told:
                self._told = wanted
                why = (
                    f"{self._path}: {error.strerror}; a restart would not fly what flies now; tried until it is written"
                )
                self._events.add("choice_lost", why)

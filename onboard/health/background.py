"""What looks after the node beside the loop: the scrub of its files, and the machine's sensors."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from onboard.event import Events
from onboard.health import sensors
from onboard.health.config import HealthConfig
from onboard.health.rounds import Rounds
from onboard.health.scrub import Files, Scrub

_OLD = 3  # readings that did not come, and seconds


class Background:
    """Scrubs, and reads sensors, each in a thread of its own. Nobody waits for the sensors: a bus that hangs is no
    reason to start a node again that flies.

    Args:
        config: what to look at.
        sensors_s: how often to read the sensors.
        files: to scrub.
        events: told of files that differ.
        alive: called by the scrub's thread again and again.
    """

    def __init__(
        self,
        config: HealthConfig,
        sensors_s: float,
        files: Files,
        events: Events,
        alive: Callable[[], None] = lambda: None,
    ) -> None:
        self._root = None if config.sensors is None else Path(config.sensors)
        self._sensors_s, self._read, self._read_s = sensors_s, dict[str, dict[str, float]](), 0.0
        self._sensing = None if self._root is None else Rounds([self._look])
        jobs: list[Callable[[], float]] = []
        self._scrub: Scrub | None = None
        if config.scrub_period_s is not None:
            self._scrub = Scrub(files, config.scrub_bytes, config.scrub_period_s, events)
            jobs.append(self._scrub.step)
        self._rounds = Rounds(jobs, alive)

    def watch(self, files: Files) -> None:
        """Other files are flown from now on."""
        if self._scrub is not None:
            self._scrub.watch(files)

    def as_dict(self) -> dict[str, Any]:
        """For the summary: how the scrub goes, and the sensors' last values, where these are not old."""
        scrub, old = self._scrub, time.monotonic() - self._read_s > _OLD * self._sensors_s + _OLD
        return {
            "scrub": None if scrub is None else {"passes": scrub.passes, "failed": scrub.failed},
            "sensors": {} if old else self._read,
        }

    def close(self) -> None:
        self._rounds.close()
        if self._sensing is not None:
            self._sensing.close(0.0)

    def _look(self) -> float:
        assert self._root is not None
        try:
            self._read = sensors.read(self._root)
        except OSError:  # a part was switched off while its folder was looked through
            self._read = {}
        self._read_s = time.monotonic()
        return self._sensors_s

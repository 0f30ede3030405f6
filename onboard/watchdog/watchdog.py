"""The thread that asks all parts, and strokes systemd's watchdog only while they all answer in time."""

import threading
from collections.abc import Callable, Collection, Mapping

from onboard.event import Event
from onboard.stderr import Stderr
from onboard.watchdog.config import WatchdogConfig
from onboard.watchdog.pings import Pings
from onboard.watchdog.systemd import Systemd

LATE, HUNG, BACK, UNHEARD = "part_late", "part_hung", "part_back", "stroke_unheard"
_WELL = "all parts answer"


class Watchdog:
    """Watches while its block runs.

        with Watchdog(pings, systemd, config, say):
            ...

    A part that is late costs the stroke at once: systemd then restarts the node, unless the part answers before
    WatchdogSec is over. A thread that keeps Python's lock stops this one as well, and so the stroke.

    Args:
        pings: the parts.
        systemd: gets READY, strokes, the state as STATUS, and STOPPING.
        config: how often to ask, and when a late part counts as hung.
        say: takes an event and the names of late parts; called by the watchdog's own thread.
    """

    def __init__(
        self, pings: Pings, systemd: Systemd, config: WatchdogConfig, say: Callable[[Event, Collection[str]], None]
    ) -> None:
        self._pings, self._systemd, self._config, self._say = pings, systemd, config, say
        limit_s = systemd.watchdog_s
        self._period_s = config.period_s if limit_s is None else min(config.period_s, limit_s / 4)
        self._times_late: dict[str, int] = {}  # askings in a row, of each part that is late
        self._heard, self._stderr = True, Stderr()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, name="watchdog", daemon=True)

    def __enter__(self) -> "Watchdog":
        self._systemd.tell(f"READY=1\nSTATUS={_WELL}")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self._systemd.tell("STOPPING=1\nSTATUS=ending")
        self._systemd.close()

    def _work(self) -> None:
        while not self._stop.wait(self._period_s):
            self._look()

    def _look(self) -> None:
        late = self._pings.late()
        if late:
            self._complain(late)
            return
        if self._times_late:
            self._times_late = {}
            self._say(Event(BACK, _WELL), ())
            self._systemd.tell(f"STATUS={_WELL}")
        if self._systemd.watchdog_s is not None:
            heard, before = self._systemd.tell("WATCHDOG=1"), self._heard
            self._heard = heard
            if before and not heard:
                self._say(Event(UNHEARD, "systemd's socket does not take the watchdog's stroke"), ())

    def _complain(self, late: Mapping[str, float]) -> None:
        self._times_late = {part: self._times_late.get(part, 0) + 1 for part in late}  # each hangs by itself
        times, hung_after = self._times_late, self._config.hung_after
        if any(count == 1 < hung_after for count in times.values()):
            self._tell(LATE, late, late)
        if any(count == hung_after for count in times.values()):
            self._tell(HUNG, [part for part, count in times.items() if count >= hung_after], late)

    def _tell(self, name: str, whom: Collection[str], late: Mapping[str, float]) -> None:
        who = ", ".join(f"{part} for {late[part]:.1f} s" for part in whom)
        detail = f"no answer from {who}; the watchdog is not stroked"
        self._systemd.tell(f"STATUS={name}: no answer from {who}")
        self._say(Event(name, detail), late.keys())
        # The storage may be what hangs, so the service's own log gets the line as well.
        self._stderr.say(f"{name}: {detail}")

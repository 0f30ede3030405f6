"""Whether every part of the node still answers, and systemd's watchdog, which is stroked only while they all do."""

from onboard.watchdog.config import WatchdogConfig
from onboard.watchdog.pings import Part, Pings
from onboard.watchdog.systemd import Systemd
from onboard.watchdog.watchdog import Watchdog

__all__ = ["Part", "Pings", "Systemd", "Watchdog", "WatchdogConfig"]

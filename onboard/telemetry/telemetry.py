"""All that a node sends as packets. Nothing here waits, and nothing here raises: it is an outlet beside the others."""

import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from onboard.event import LOSSES, Event, Events
from onboard.messages import Verdict
from onboard.telemetry import fields
from onboard.telemetry.config import TelemetryConfig
from onboard.telemetry.numbers import severity
from onboard.telemetry.packets import Packets, Send
from onboard.telemetry.verification import Verification

HOUSEKEEPING, EVENTS = (3, 25), 5
VERDICT, POSE, NODE = 1, 2, 3


class Link(Protocol):
    """Takes packets without waiting; see `onboard.telemetry.udp` and `onboard.fly.line_file.LineFile`."""

    @property
    def dropped(self) -> int: ...


class Telemetry:
    """Sends verdicts, events, housekeeping, and reports on requests.

    Args:
        config: what, and with which numbers.
        link: where it goes.
        send: of the link.
        bundle: SHA-256 of the bundle that flies first.
        events: told of what could not be sent.

    Attributes:
        failed: packets that could not be made.
        verification: reports on requests, for whoever takes them.

    Raises:
        InputError: spacepackets is not installed.
    """

    def __init__(self, config: TelemetryConfig, link: Link, send: Send, bundle: str, events: Events) -> None:
        self._config, self._link, self._events = config, link, events
        self._packets = Packets(config, send)
        self._due_s = time.monotonic() + config.housekeeping_s
        self.failed = 0
        self.verification = Verification(lambda service, subtype, data: self._send(service, subtype, lambda: data))
        self._node(bundle, first=True)

    def verdict(self, verdict: Verdict) -> None:
        """Send a verdict, and the outputs of the pose network that the configuration names."""
        service, outputs = self._config.verdict_service, verdict.outputs or {}
        if self._config.verdicts:
            self._send(service, VERDICT, lambda: fields.of_verdict(verdict))
        for index, name in enumerate(self._config.pose_outputs):
            if name in outputs:
                self._send(service, POSE, partial(fields.of_pose, verdict, index, outputs[name]))

    def event(self, event: Event, level: str, left_out: int) -> None:
        """Send an event: one that is written down, for what is throttled there is throttled here."""
        subtype, tells_loss = severity(event.name, level), event.name in LOSSES
        self._send(EVENTS, subtype, lambda: fields.of_event(event.name, event.detail, left_out), tells_loss)

    def when_due(self, page: Callable[[], Mapping[str, Any]]) -> None:
        """Send housekeeping, if the time has come.

        Args:
            page: makes the node's summary.
        """
        if time.monotonic() >= self._due_s:
            self._due_s = time.monotonic() + self._config.housekeeping_s
            self.housekeeping(page)

    def housekeeping(self, page: Callable[[], Mapping[str, Any]]) -> None:
        """Send housekeeping now, and once more who sends, for whoever has only begun to listen."""
        self._safely(lambda: self._housekeeping(page()))

    def state(self) -> dict[str, int]:
        """Packets that the link did not take, and that could not be made."""
        return {"dropped": self._link.dropped, "failed": self.failed}

    def _housekeeping(self, page: Mapping[str, Any]) -> None:
        self._send(*HOUSEKEEPING, lambda: fields.of_housekeeping(page))
        self._node(page["bundle"], first=False)

    def _node(self, bundle: str, first: bool) -> None:
        outputs = self._config.pose_outputs
        self._send(self._config.verdict_service, NODE, lambda: fields.of_node(first, os.getpid(), bundle, outputs))

    def _send(self, service: int, subtype: int, source: Callable[[], bytes], tells_loss: bool = False) -> None:
        """Send a packet; one whose source data cannot be made uses up its counts, and takes no other with it."""
        self._safely(lambda: self._packets.add(service, subtype, source, tells_loss), tells_loss)

    def _safely(self, work: Callable[[], None], tells_loss: bool = False) -> None:
        """Do it; where it fails for whatever reason, count that: a verdict is worth more than its packet."""
        try:
            work()
        except Exception as error:
            self.failed += 1
            if not tells_loss:
                self._events.add("telemetry_failed", f"{type(error).__name__}: {error}")

"""Commands are carried out here, by the loop itself, between two turns: nothing else touches what it works with."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from onboard.control import messages
from onboard.control.messages import Command, Reply, name_of
from onboard.errors import InputError
from onboard.fly.loop import Parts
from onboard.normal_scores import FrameRule


class Orders:
    """Carries out what has come over the control socket.

    Args:
        parts: of the loop.
        stop: ends the flight.
    """

    def __init__(self, parts: Parts, stop: Callable[[], None]) -> None:
        self._parts, self._stop, self._began_s = parts, stop, time.monotonic()

    def serve(self) -> None:
        """Carry out the command that waits, if one does; at most one."""
        control = self._parts.control
        if control is None:
            return
        for event in control.events.take():
            self._parts.events.add(*event)
        if (order := control.desk.take()) is not None:
            order.answer(self._carried_out(order.command))

    def _carried_out(self, command: Command) -> Reply:
        name, events = name_of(command), self._parts.events
        said = msgspec.json.encode(command).decode()
        try:
            result = self._act(command)
        except InputError as error:
            events.add("command_refused", f"{said}: {error}")
            return Reply(False, name, reason="refused", error=str(error))
        except Exception as error:  # a command that goes wrong must not end the flight
            told = f"{type(error).__name__}: {error}"
            events.add("command_failed", f"{said}: {told}")
            return Reply(False, name, reason="failed", error=f"{told}; a fault of the node: report it")
        events.add("command_status" if isinstance(command, messages.Status) else "command", said)
        return Reply(True, name, result)

    def _act(self, command: Command) -> dict[str, Any]:
        """Do it; gives what to answer. Raises InputError where it is refused: then nothing has changed."""
        match command:
            case messages.Status():
                return self._status()
            case messages.SetAlpha():
                return self._set_alpha(command.false_alarm_rate, command.confidence)
            case messages.Pause() | messages.Resume():
                self._parts.paused = isinstance(command, messages.Pause)
                return {"paused": self._parts.paused}
            case messages.Stop():
                self._stop()
                return {}
        raise InputError(f"'{name_of(command)}' is not there yet in this version")

    def _set_alpha(self, rate: float, confidence: float | None) -> dict[str, Any]:
        bundle = self._parts.guard.bundle
        rule = FrameRule.at(bundle, rate, confidence)
        if rule is None:
            raise InputError(f"{bundle.folder}: has no calibration; 'python -m calibration threshold' makes one")
        self._parts.rule = rule
        return self._alpha()

    def _alpha(self) -> dict[str, Any]:
        rule = self._parts.rule
        return {
            "false_alarm_rate": None if rule is None else rule.rate,
            "confidence": None if rule is None else rule.confidence,
        }

    def _status(self) -> dict[str, Any]:
        parts = self._parts
        answered, rejected, skipped = parts.account.totals()
        return {
            "engine": parts.guard.state,
            "bundle": parts.guard.bundle.sha256,
            "signed": parts.guard.bundle.key is not None,
            "paused": parts.paused,
            **self._alpha(),
            "flying_s": round(time.monotonic() - self._began_s, 1),
            "frames": {"answered": answered, "rejected": rejected, "skipped": skipped},
            "late": parts.account.late,
            "events": dict(parts.log.counts),
        }

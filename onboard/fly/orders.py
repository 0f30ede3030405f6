"""Commands are carried out here, by the loop itself, between two turns: nothing else touches what it works with."""

import time
from collections.abc import Callable
from typing import Any

from onboard.control import messages
from onboard.control.messages import Command
from onboard.fly.loop import Parts
from onboard.fly.task import Task


class Orders:
    """Carries out what has come over the control socket.

    Args:
        parts: of the loop.
        stop: ends the flight.
    """

    def __init__(self, parts: Parts, stop: Callable[[], None]) -> None:
        self._parts, self._stop, self._began_s = parts, stop, time.monotonic()
        self._count = 0

    def serve(self) -> None:
        """Carry out the command that waits, if one does; at most one."""
        control = self._parts.control
        if control is None:
            return
        for event in control.events.take():
            self._parts.events.add(*event)
        if (order := control.desk.take()) is not None:
            self._count += 1
            self._carry_out(Task(order, self._parts, self._count))

    def _carry_out(self, task: Task) -> None:
        try:
            result = self._act(task)
        except Exception as error:  # a command that goes wrong must not end the flight
            task.ended(error)
            return
        task.accepted()
        if result is not None:
            task.done(result)

    def _act(self, task: Task) -> dict[str, Any] | None:
        """Do it; gives what to answer, or None where the task itself is told later.

        Raises:
            InputError: it is refused; nothing has changed.
        """
        match command := task.command:
            case messages.SetAlpha():
                self._parts.guard.told.set_rate(command.false_alarm_rate, command.confidence)
                return self._alpha()
            case messages.Load():
                self._parts.guard.told.change(command.bundle, command.engine, self._when_flown(task))
                return None
            case messages.RollBack():
                self._parts.guard.told.roll_back(self._when_flown(task))
                return None
            case _:
                return self._at_once(command)

    def _at_once(self, command: Command) -> dict[str, Any]:
        match command:
            case messages.Pause() | messages.Resume():
                self._parts.paused = isinstance(command, messages.Pause)
                return {"paused": self._parts.paused}
            case messages.SelfTest():
                asked = self._parts.guard.self_test()
                return {"known_answers": asked, "all_as_at_load": True, **self._flown()}
            case messages.Stop():
                self._stop()
                return {"stopping": True}
            case _:
                return self._status()

    def _when_flown(self, task: Task) -> Callable[[Exception | None], None]:
        def told(error: Exception | None) -> None:
            if error is None:
                task.done({**self._flown(), **self._alpha()})
            else:
                task.ended(error)

        return told

    def _flown(self) -> dict[str, Any]:
        guard = self._parts.guard
        return {"engine": guard.state, "bundle": guard.bundle.sha256, "signed": guard.bundle.key is not None}

    def _alpha(self) -> dict[str, Any]:
        rule = self._parts.guard.rule
        return {
            "false_alarm_rate": None if rule is None else rule.rate,
            "confidence": None if rule is None else rule.confidence,
        }

    def _status(self) -> dict[str, Any]:
        parts = self._parts
        answered, rejected, skipped = parts.account.totals()
        return {
            **self._flown(),
            **self._alpha(),
            "paused": parts.paused,
            "flying_s": round(time.monotonic() - self._began_s, 1),
            "frames": {"answered": answered, "rejected": rejected, "skipped": skipped},
            "late": parts.account.late,
            "events": dict(parts.log.counts),
        }

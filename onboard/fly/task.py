"""A command that is being carried out, and all who are told how it ends: its sender, the events, and telemetry."""

import msgspec

from onboard.control.desk import Order
from onboard.control.messages import Reply, Status, name_of
from onboard.errors import InputError
from onboard.fly.loop import Parts
from onboard.telemetry.verification import request_id

_REFUSED, _FAILED = 1, 2  # codes of PUS 1/2 and 1/8


class Task:
    """One command.

    Args:
        order: with it, and for the answer.
        parts: of the loop.
        number: of the commands so far, from 1; telemetry's name of it.
    """

    def __init__(self, order: Order, parts: Parts, number: int) -> None:
        self.command, self._order, self._parts = order.command, order, parts
        self._said = msgspec.json.encode(order.command).decode()
        self._verification = None if parts.telemetry is None else parts.telemetry.verification
        apid = 0 if parts.config.telemetry is None else parts.config.telemetry.apid
        self._request = request_id(apid, number)

    def accepted(self) -> None:
        """It is being carried out; its end may take some turns of the loop."""
        if self._verification is not None:
            self._verification.accepted(self._request)

    def done(self, result: dict[str, object]) -> None:
        """It was carried out."""
        name = "command_status" if isinstance(self.command, Status) else "command"
        self._parts.events.add(name, self._said)
        if self._verification is not None:
            self._verification.completed(self._request)
        self._order.answer(Reply(True, name_of(self.command), result))

    def ended(self, error: Exception) -> None:
        """It was not carried out: refused where that is an InputError, or else a fault."""
        refused = isinstance(error, InputError)
        told = str(error) if refused else f"{type(error).__name__}: {error}; a fault of the node: report it"
        self._parts.events.add("command_refused" if refused else "command_failed", f"{self._said}: {told}")
        if self._verification is not None:
            self._verification.failed(self._request, _REFUSED if refused else _FAILED, told)
        reason = "refused" if refused else "failed"
        self._order.answer(Reply(False, name_of(self.command), reason=reason, error=told))

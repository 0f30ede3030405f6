"""Where the socket's thread lays a command down and the loop picks it up: one at a time, and nobody waits for ever."""

import threading

from onboard.control.messages import Command, Reply, name_of


class Order:
    """A command that waits for its reply."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.answered = threading.Event()
        self.reply: Reply | None = None

    def answer(self, reply: Reply) -> None:
        self.reply = reply
        self.answered.set()


class Desk:
    """Between the thread of the control socket and the loop."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Order | None = None
        self._taken: Order | None = None
        self._closed = False

    def ask(self, command: Command, timeout_s: float) -> Reply:
        """The socket's side: lay a command down and wait for its reply.

        A command that nobody has taken by then is withdrawn: it will not be carried out behind its sender's back.
        """
        order, name = Order(command), name_of(command)
        with self._lock:
            if self._closed:
                return _ending(name)
            self._waiting = order
        order.answered.wait(timeout_s)
        with self._lock:
            if order.reply is not None:
                return order.reply
            if self._waiting is order:
                self._waiting = None
                late = f"the loop did not come to it within {timeout_s:g} s, and nothing was done; see events.jsonl"
                return Reply(False, name, reason="withdrawn", error=late)
        return Reply(False, name, reason="under_way", error="the loop is still at it; its end is an event: ask again")

    def take(self) -> Order | None:
        """The loop's side: the command that waits. Costs nothing where none does."""
        if self._waiting is None:
            return None
        with self._lock:
            order, self._waiting = self._waiting, None
            self._taken = order
        return order

    def close(self) -> None:
        """Answer what waits or is not ready, and take nothing more."""
        with self._lock:
            self._closed = True
            orders = [self._waiting, self._taken]
            self._waiting = None
        for order in orders:
            if order is not None and order.reply is None:
                order.answer(_ending(name_of(order.command)))


def _ending(name: str) -> Reply:
    return Reply(False, name, reason="ending", error="the node is ending, and this was not carried out")

"""A flight, from its start to its end."""

import gc
from typing import Any

from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.orders import Orders
from onboard.fly.summary import Summary
from onboard.fly.watching import set_realtime, watched
from onboard.stopping import asked_to_stop


def fly(config: NodeConfig) -> dict[str, Any]:
    """Fly until the source ends, or SIGTERM or SIGINT comes; gives the last summary.

    Raises:
        InputError: something that the configuration names cannot be used.
    """
    with parts_of(config) as parts:
        summary = Summary(parts)
        parts.events.add("started", f"bundle {parts.guard.bundle.sha256}, engine {parts.guard.state}")
        with asked_to_stop() as stop, watched(parts) as alive:
            set_realtime(parts)
            gc.collect()
            gc.freeze()  # all that is there by now stays; collections look at what comes after it
            orders = Orders(parts, stop.set)
            try:
                Loop(parts).run(stop.is_set, alive, orders.serve, summary.when_due)
                summary.complete = True
                parts.events.add("ended", "asked to stop" if stop.is_set() else "the source has ended")
            except BaseException as error:
                parts.events.add("failed", f"{type(error).__name__}: {error}")
                raise
            finally:
                gc.unfreeze()
                last = summary.last()
        return last

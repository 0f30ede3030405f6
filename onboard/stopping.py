"""A stop by signal that is taken between frames."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def asked_to_stop() -> Iterator[threading.Event]:
    """An event that SIGTERM and SIGINT set; a second one ends the process as usual.

    A signal that is ignored when this begins stays ignored. Outside the main thread, where Python sets no handlers,
    nothing sets the event.

    To raise KeyboardInterrupt from the signal itself would lose some: raised while a library's C code calls back into
    Python, it can be swallowed there.
    """
    stop = threading.Event()
    found = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    # A shell has Ctrl-C ignored in what it runs in the background.
    before = {number: handler for number, handler in found.items() if handler is not signal.SIG_IGN}

    def ask(number: int, _: object) -> None:
        stop.set()
        signal.signal(number, before[signal.Signals(number)])

    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    for number in before:
        signal.signal(number, ask)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""A real node in a thread, with a camera before it, that takes commands."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from onboard.control.client import ask
from onboard.control.messages import Command, Reply, Status, Stop
from onboard.fly.config import NodeConfig
from onboard.fly.start import fly
from onboard.sources.ring_writer import RingWriter
from tests.onboard.fly.conftest import message, picture

RUN = b"0123456789abcdef"


class Node:
    """Flies until it is told to stop; `page` is its last summary then."""

    def __init__(self, config: NodeConfig) -> None:
        assert config.control is not None
        self.endpoint, self.page, self.error = config.control.endpoint, None, None
        self._thread = threading.Thread(target=self._fly, args=[config], daemon=True)
        self._thread.start()

    def tell(self, command: Command, timeout_s: float = 5.0) -> Reply:
        return ask(self.endpoint, command, timeout_s)

    def answered(self) -> int:
        return int(self.tell(Status()).result["frames"]["answered"])

    @property
    def flying(self) -> bool:
        return self._thread.is_alive()

    def join(self) -> dict[str, Any]:
        self._thread.join(20)
        assert not self.flying
        assert self.page is not None, self.error
        return self.page

    def _fly(self, config: NodeConfig) -> None:
        try:
            self.page = fly(config)
        except BaseException as error:
            self.error = error


@contextmanager
def flying(config: NodeConfig, folder: Path, every_s: float = 0.005) -> Iterator[Node]:
    """A node in flight, whose camera writes a frame every 5 ms; told to stop at the end if it flies still."""
    done = threading.Event()

    def camera() -> None:
        pictures = [picture(seed) for seed in range(5)]
        with RingWriter(folder / "camera", 4, 96 * 96 * 3) as writer:
            for frame_id in itertools.count():
                writer.write(*message(RUN, frame_id, pictures[frame_id % 5]))
                if done.wait(every_s):
                    return

    thread = threading.Thread(target=camera)
    thread.start()
    node = Node(config)
    try:
        yield node
    finally:
        try:
            if node.flying:
                node.tell(Stop())
            node.join()
        finally:
            done.set()
            thread.join()


def until(true: Any, within_s: float = 5.0) -> None:
    end = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)

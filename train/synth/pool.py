"""Renders jobs in several processes, and ends at once when it is told to."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import connection
from pathlib import Path

import cv2

from onboard.errors import InputError
from train.synth.config import SynthConfig
from train.synth.plan import Job
from train.synth.renderer import Entry, Renderer

_renderer: Renderer | None = None


def render_all(config: SynthConfig, jobs: list[Job], folder: Path) -> Iterator[Entry]:
    """Render jobs and give their entries as they are finished, in any order.

    Raises:
        InputError: an image cannot be written, or a process died.
    """
    workers = min(config.workers, len(jobs))
    executor = ProcessPoolExecutor(
        workers,
        # A forked process would share its parent's graphics driver.
        multiprocessing.get_context("spawn"),
        initializer=_start,
        initargs=(config,),
    )
    try:
        futures: list[Future[Entry]] = [executor.submit(_draw, job, folder) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as error:
        raise InputError(
            "a rendering process died (out of memory?); run the same command again to go on, "
            f"with fewer workers than {config.workers} if it happens again"
        ) from error
    finally:
        executor.shutdown(wait=True, cancel_futures=True)


def _start(config: SynthConfig) -> None:
    """Make a fresh process ready to draw."""
    global _renderer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    threading.Thread(target=_die_with_parent, daemon=True).start()
    # One process for each core already: threads of the software renderer would only get in each other's way.
    os.environ["LP_NUM_THREADS"] = "0"
    cv2.setNumThreads(1)
    _renderer = Renderer(config)


def _die_with_parent() -> None:
    """A killed parent tells its pool nothing; without this its processes would wait for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _draw(job: Job, folder: Path) -> Entry:
    assert _renderer is not None
    return _renderer.draw(job, folder)

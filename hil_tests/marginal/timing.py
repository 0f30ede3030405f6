"""Timing of several graphs by turns in one process, so that whatever slows the machine slows all of them."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from tqdm import tqdm

from onboard.errors import InputError
from onboard.ort_options import session_options

Times = dict[str, npt.NDArray[np.float64]]
"""Milliseconds of each round, by name."""


def by_turns(calls: Mapping[str, Callable[[], object]], rounds: int, told: str) -> Times:
    """Time each call once a round, in another order each round.

    Args:
        calls: what to time, by name; each is run three times beforehand.
        rounds: at least 1.
        told: beside the progress bar.
    """
    names = list(calls)
    for name in names:
        for _ in range(3):
            calls[name]()
    times = {name: np.zeros(rounds) for name in names}
    for number in tqdm(range(rounds), desc=told, unit="round", disable=None):
        first = number % len(names)  # what runs behind a large network finds cold caches: nobody does so always
        for name in (*names[first:], *names[:first]):
            start_ns = time.perf_counter_ns()
            calls[name]()
            times[name][number] = (time.perf_counter_ns() - start_ns) / 1e6
    return times


def ratio(above: npt.NDArray[np.float64], below: npt.NDArray[np.float64]) -> dict[str, float]:
    """Median of the rounds' ratios, with the 5th and 95th percentile: each round's two times lie side by side."""
    low, middle, high = np.percentile(above / below, [5, 50, 95])
    return {"median": float(middle), "p5": float(low), "p95": float(high)}


def session(path: Path) -> onnxruntime.InferenceSession:
    """A graph on one thread of the CPU, optimised as ONNX Runtime does by default.

    Raises:
        InputError: the file cannot be read as a graph.
    """
    options = session_options()
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's errors have no common base
        raise InputError(f"{path}: ONNX Runtime cannot load it: {error}") from error


def call(graph: onnxruntime.InferenceSession, feeds: Mapping[str, Any]) -> Callable[[], object]:
    """A run of the graph that computes all its outputs."""
    return lambda: graph.run(None, feeds)

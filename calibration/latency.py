"""Time of several graphs by turns in one process, so that whatever slows the machine slows all of them."""

import time
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from calibration.graph.running import Feed, feed, session
from onboard import image
from onboard.bundle import Bundle
from onboard.window import Window

_WARM_UP = 3
Times = npt.NDArray[np.float64]


def known_window(bundle: Bundle, number: int = 0) -> Feed:
    """A known-answer window; the first is the smallest of a crop."""
    known = bundle.manifest.known_answers[number]
    pixels = image.decode(bundle.contents[known.window], known.window)
    return feed(Window(pixels, np.array(known.region, np.float32)))


def by_turns(graphs: Mapping[str, bytes], given: Feed, rounds: int) -> dict[str, Times]:
    """Milliseconds of each round in ONNX Runtime on one thread, by graph.

    Args:
        graphs: serialised, by name; they take the same inputs.
        given: the inputs.
        rounds: how often each is run, in another order each round.
    """
    running = {name: session(model, name) for name, model in graphs.items()}
    names = list(running)
    for name in names:
        for _ in range(_WARM_UP):
            running[name].run(None, given)
    times = {name: np.zeros(rounds) for name in names}
    for number in tqdm(range(rounds), desc="timing", unit="round", disable=None, leave=False):
        first = number % len(names)
        for name in (*names[first:], *names[:first]):
            start_ns = time.perf_counter_ns()
            running[name].run(None, given)
            times[name][number] = (time.perf_counter_ns() - start_ns) / 1e6
    return times


def ratio(above: Times, below: Times) -> tuple[float, float, float]:
    """Median of the rounds' ratios, their 5th and their 95th percentile: each round's times lie side by side."""
    low, middle, high = np.percentile(above / below, [5, 50, 95])
    return float(middle), float(low), float(high)

"""Passes through the backbone: who makes them, and what runs beside them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import numpy as np
import numpy.typing as npt
import torch

from onboard.window import Window
from train.backbones.trunk import Backbone
from train.preprocessing import Preprocessing, seen

T = TypeVar("T")


def one_ahead(begun: Iterator[T]) -> Iterator[T]:
    """The same, each item begun before the one in front of it is used: decoding goes on beside the forward passes."""
    before = next(begun, None)
    while before is not None:
        after = next(begun, None)
        yield before
        before = after


@contextmanager
def workers_for(device: torch.device) -> Iterator[ThreadPoolExecutor]:
    """Workers for forward passes: on a CPU one for each of torch's threads, each pass with a single thread.

    How many threads share one pass moves the last bits; so does not how many passes run at once.
    """
    threads = torch.get_num_threads()
    if device.type == "cpu":
        torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(threads if device.type == "cpu" else 1) as workers:
            yield workers
    finally:
        torch.set_num_threads(threads)


def forward(
    before: Preprocessing, module: Backbone, windows: list[Window], device: torch.device
) -> npt.NDArray[np.float32]:
    """All of the backbone's vectors side by side, float32 [N, C], of N windows of one size, or of N whole frames."""
    pixels = torch.from_numpy(np.stack([window.pixels for window in windows])).to(device)
    boxes = torch.from_numpy(np.stack([window.region for window in windows])).to(device)
    with torch.inference_mode():
        vectors = seen(before, module, pixels, boxes, torch.channels_last)
        return torch.cat(list(vectors.values()), dim=1).cpu().numpy()

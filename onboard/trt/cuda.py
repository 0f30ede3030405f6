"""All that is asked of pycuda: the primary context, one stream, buffers with a host side, events. Nothing else uses it.

pycuda is imported when a device is opened, so that `onboard` imports where there is none.
"""

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import InputError

_REMEDY = (
    "install it with CUDA's compiler on the path: PATH=/usr/local/cuda/bin:$PATH pip install pycuda; "
    "docs/jetson.md tells more; ONNX Runtime flies the bundle as it is, without an engine"
)


@dataclass(frozen=True)
class Times:
    """How long the GPU took for one window, in milliseconds between CUDA events: copy in, graph, copy out."""

    h2d_ms: float
    compute_ms: float
    d2h_ms: float


class Device:
    """The first GPU.

    Its primary context is the one that TensorRT itself uses. It is current in a thread only within `current()`, so
    that any thread may load and any other may fly.

    Attributes:
        stream: pycuda's; all work goes on this one.
        mapped: whether CPU and GPU share their memory, as on a Jetson: buffers are then mapped and never copied.
        error: what pycuda raises.

    Raises:
        InputError: no pycuda, or no GPU that it can use.
    """

    def __init__(self) -> None:
        self._driver = _pycuda()
        self.error: type[Exception] = self._driver.Error
        try:
            self._driver.init()
            device = self._driver.Device(0)
            self._primary = device.retain_primary_context()
            attributes = self._driver.device_attribute
            shares = (attributes.INTEGRATED, attributes.CAN_MAP_HOST_MEMORY)
            self.mapped = all(device.get_attribute(attribute) for attribute in shares)
            with self.current():
                self.stream = self._driver.Stream()
        except self.error as error:
            raise InputError(
                f"pycuda finds no GPU that it can use ({error}); check nvidia-smi, or tegrastats on a Jetson, and "
                "--runtime nvidia in a container"
            ) from error

    @contextmanager
    def current(self) -> Iterator[None]:
        """Within the block the primary context is this thread's current one."""
        self._primary.push()
        try:
            yield
        finally:
            self._driver.Context.pop()

    def buffer(self, count: int) -> "Buffer":
        """A buffer of so many bytes, its host side zero."""
        return Buffer(self._driver, count, self.mapped)

    def stopwatch(self) -> "Stopwatch":
        """Events on the stream."""
        return Stopwatch(self._driver, self.stream)


class Buffer:
    """Memory of one tensor: a host side that is pinned, and a device side that is its own or, mapped, the same.

    Attributes:
        address: of the device side.
    """

    def __init__(self, driver: Any, count: int, mapped: bool) -> None:
        self._driver = driver
        flags = driver.host_alloc_flags.DEVICEMAP if mapped else 0
        self._host = driver.pagelocked_empty((count,), np.uint8, mem_flags=flags)
        self._host[:] = 0
        self._device = None if mapped else driver.mem_alloc(count)
        self.address = int(self._host.base.get_device_pointer()) if self._device is None else int(self._device)

    def view(self, shape: tuple[int, ...], dtype: Any) -> npt.NDArray[Any]:
        """The first bytes of the host side as an array of this shape and type."""
        count = int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize
        array: npt.NDArray[Any] = self._host[:count].view(dtype).reshape(shape)
        return array

    def upload(self, host: npt.NDArray[Any], stream: Any) -> None:
        """Copy a view of the host side to the device, in the stream's order; where they are one, nothing is to do."""
        if self._device is not None:
            self._driver.memcpy_htod_async(self.address, host, stream)

    def download(self, host: npt.NDArray[Any], stream: Any) -> None:
        """Copy from the device into a view of the host side, in the stream's order."""
        if self._device is not None:
            self._driver.memcpy_dtoh_async(host, self.address, stream)


class Stopwatch:
    """Four events on the stream: before the copy in, after it, after the graph, after the copy out."""

    def __init__(self, driver: Any, stream: Any) -> None:
        self._stream = stream
        self._events = [driver.Event() for _ in range(4)]

    def mark(self, number: int) -> None:
        """Record event 0 to 3."""
        self._events[number].record(self._stream)

    def wait(self) -> Times:
        """Wait until the GPU has reached the last event, and so done all before it."""
        self._events[-1].synchronize()
        return Times(*(float(before.time_till(after)) for before, after in pairwise(self._events)))


def _pycuda() -> Any:
    try:
        return importlib.import_module("pycuda.driver")
    except ModuleNotFoundError as error:
        if error.name != "pycuda":
            raise InputError(f"pycuda: installed, but it cannot be loaded ({error}); {_REMEDY}") from error
        raise InputError(
            f"pycuda: not installed for this Python, and a TensorRT engine flies by it; {_REMEDY}"
        ) from error
    except (ImportError, OSError) as error:  # built for another CUDA, or no driver library
        raise InputError(f"pycuda: installed, but it cannot be loaded ({error}); {_REMEDY}") from error

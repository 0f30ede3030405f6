"""A GPU for tests and what pycuda.driver offers of it, with work that runs only when it is waited for.

Work on the stream is a list of closures: it runs at a synchronisation and no earlier, so that code which reads a result
too soon, or rewrites an input too soon, gets a wrong one. Addresses are real ones, of NumPy's memory.
"""

import threading
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

HANDLE = 0x7F12_3456_7890  # wider than 32 bits, as real ones are


class _Stream(threading.local):
    """What waits on a thread's stream, and what a capture has recorded of it."""

    def __init__(self) -> None:
        self.work: list[Callable[[], None]] = []
        self.captured: list[Callable[[], None]] | None = None
        self.invalid = False


class FakeGpu:
    """The state of the device. An engine loads and flies in one thread at a time, so a thread's stream stands for it.

    Attributes:
        integrated: whether it shares its memory with the CPU.
        fails: driver functions that fail, with their code.
        host, device: memory that was allocated: array by address.
        copies: how many copies have run.
        work: what waits on the stream.
        captured: what a capture has recorded so far; None outside one.
        invalid: whether the capture holds what cannot be captured.
        graphs, executables: alive ones, by handle.
        clock_ms: goes on with the work.
    """

    def __init__(self, name: str = "Orin", capability: tuple[int, int] = (8, 7), integrated: bool = False) -> None:
        self.name, self.capability, self.integrated = name, capability, integrated
        self.fails: dict[str, int] = {}
        self.host: dict[int, np.ndarray] = {}
        self.device: dict[int, np.ndarray] = {}
        self.copies = 0
        self._stream = _Stream()
        self.graphs: dict[int, list[Callable[[], None]]] = {}
        self.executables: dict[int, list[Callable[[], None]]] = {}
        self.clock_ms = 0.0
        self.current = threading.local()

    @property
    def work(self) -> list[Callable[[], None]]:
        return self._stream.work

    @work.setter
    def work(self, work: list[Callable[[], None]]) -> None:
        self._stream.work = work

    @property
    def captured(self) -> list[Callable[[], None]] | None:
        return self._stream.captured

    @captured.setter
    def captured(self, captured: list[Callable[[], None]] | None) -> None:
        self._stream.captured = captured

    @property
    def invalid(self) -> bool:
        return self._stream.invalid

    @invalid.setter
    def invalid(self, invalid: bool) -> None:
        self._stream.invalid = invalid

    def stack(self) -> list[Any]:
        """The calling thread's stack of contexts."""
        if not hasattr(self.current, "stack"):
            self.current.stack = []
        return self.current.stack  # type: ignore[no-any-return]

    def need_context(self) -> None:
        assert self.stack(), "no context is current in this thread"

    def put(self, work: Callable[[], None], cost_ms: float) -> None:
        """Put work on the stream, or into the graph that is being captured."""
        self.need_context()

        def timed() -> None:
            work()
            self.clock_ms += cost_ms

        (self.work if self.captured is None else self.captured).append(timed)

    def wait(self) -> None:
        self.need_context()
        assert self.captured is None, "a stream that is captured cannot be waited for"
        time.sleep(1e-4)  # as pycuda does, let other threads go on
        waiting, self.work = self.work, []
        for work in waiting:
            work()

    def memory(self, address: int, count: int) -> np.ndarray:
        """So many bytes at an address that was allocated."""
        for known in (self.device, self.host):
            if address in known and count <= known[address].nbytes:
                return known[address][:count]
        raise AssertionError(f"{count} bytes at {address:#x}: outside what was allocated")


class FakeError(Exception):
    """pycuda.driver.Error."""


def pycuda_driver(gpu: FakeGpu) -> SimpleNamespace:
    """The part of pycuda.driver that its documentation describes and onboard/trt/cuda.py uses."""

    class Context:
        def push(self) -> None:
            gpu.stack().append(self)

        @staticmethod
        def pop() -> None:
            gpu.stack().pop()

    class Device:
        def __init__(self, number: int) -> None:
            assert number == 0

        def retain_primary_context(self) -> Context:
            return Context()

        def get_attribute(self, attribute: str) -> int:
            return {"INTEGRATED": int(gpu.integrated), "CAN_MAP_HOST_MEMORY": 1}[attribute]

    class Stream:
        handle = HANDLE

        def __init__(self) -> None:
            gpu.need_context()

        def synchronize(self) -> None:
            gpu.wait()

    class Event:
        def __init__(self) -> None:
            gpu.need_context()
            self._at: float | None = None

        def record(self, stream: Stream) -> "Event":
            assert gpu.captured is None, "an event of a capture tells no time"
            gpu.put(lambda: setattr(self, "_at", gpu.clock_ms), 0.0)
            return self

        def synchronize(self) -> "Event":
            gpu.wait()
            return self

        def time_till(self, other: "Event") -> float:
            assert self._at is not None and other._at is not None, "not reached yet"
            return other._at - self._at

    class HostAllocation:
        def __init__(self, memory: np.ndarray, flags: int) -> None:
            self._memory, self._flags = memory, flags
            self.__array_interface__ = memory.__array_interface__

        def get_device_pointer(self) -> int:
            assert self._flags & 2, "not allocated with DEVICEMAP"
            return int(self._memory.ctypes.data)

    class DeviceAllocation:
        def __init__(self, address: int) -> None:
            self._address = address

        def __int__(self) -> int:
            return self._address

    def pagelocked_empty(shape: tuple[int, ...], dtype: Any, order: str = "C", mem_flags: int = 0) -> np.ndarray:
        gpu.need_context()
        memory = np.full(shape, 0xAA, dtype)
        gpu.host[memory.ctypes.data] = memory
        return np.asarray(HostAllocation(memory, mem_flags))

    def mem_alloc(count: int) -> DeviceAllocation:
        gpu.need_context()
        memory = np.full(count, 0x55, np.uint8)
        gpu.device[memory.ctypes.data] = memory
        return DeviceAllocation(memory.ctypes.data)

    def pinned(array: np.ndarray) -> np.ndarray:
        return gpu.memory(array.ctypes.data, array.nbytes)  # else the copy is not asynchronous

    def memcpy_htod_async(dest: int, src: np.ndarray, stream: Stream) -> None:
        _copy(gpu.memory(dest, src.nbytes), pinned(src))

    def memcpy_dtoh_async(dest: np.ndarray, src: int, stream: Stream) -> None:
        _copy(pinned(dest), gpu.memory(src, dest.nbytes))

    def _copy(to: np.ndarray, source: np.ndarray) -> None:
        def work() -> None:
            to[:] = source
            gpu.copies += 1

        gpu.put(work, 0.125)

    def init() -> None:
        if "init" in gpu.fails:
            raise FakeError("cuInit failed: no CUDA-capable device is detected")

    return SimpleNamespace(
        init=init,
        Error=FakeError,
        Device=Device,
        Context=Context,
        Stream=Stream,
        Event=Event,
        device_attribute=SimpleNamespace(INTEGRATED="INTEGRATED", CAN_MAP_HOST_MEMORY="CAN_MAP_HOST_MEMORY"),
        host_alloc_flags=SimpleNamespace(DEVICEMAP=2),
        pagelocked_empty=pagelocked_empty,
        mem_alloc=mem_alloc,
        memcpy_htod_async=memcpy_htod_async,
        memcpy_dtoh_async=memcpy_dtoh_async,
    )

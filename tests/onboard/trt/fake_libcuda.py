"""CUDA's driver library on the fake GPU: functions of ctypes arguments that give a code."""

import ctypes
from typing import Any

from tests.onboard.trt.fake_cuda import HANDLE, FakeGpu

SUCCESS, INVALIDATED = 0, 901
NAMES = {INVALIDATED: b"CUDA_ERROR_STREAM_CAPTURE_INVALIDATED"}


class FakeLibCuda:
    """What onboard/trt calls of libcuda, by its exported names."""

    def __init__(self, gpu: FakeGpu) -> None:
        self._gpu = gpu
        self._next = HANDLE

    def cuInit(self, flags: int) -> int:  # noqa: N802
        return self._gpu.fails.get("cuInit", SUCCESS)

    def cuDeviceGet(self, device: Any, number: int) -> int:  # noqa: N802
        return SUCCESS

    def cuDeviceGetAttribute(self, value: Any, attribute: int, device: Any) -> int:  # noqa: N802
        value._obj.value = self._gpu.capability[attribute - 75]
        return SUCCESS

    def cuDeviceGetName(self, name: Any, length: int, device: Any) -> int:  # noqa: N802
        name.value = self._gpu.name.encode()
        return SUCCESS

    def cuGetErrorName(self, code: ctypes.c_int, text: Any) -> int:  # noqa: N802
        text._obj.value = NAMES.get(code.value)
        return SUCCESS if code.value in NAMES else 1

    def cuStreamBeginCapture_v2(self, stream: ctypes.c_void_p, mode: ctypes.c_int) -> int:  # noqa: N802
        assert stream.value == HANDLE and mode.value == 1
        if code := self._code("cuStreamBeginCapture_v2"):
            return code
        self._gpu.captured, self._gpu.invalid = [], False
        return SUCCESS

    def cuStreamEndCapture(self, stream: ctypes.c_void_p, graph: Any) -> int:  # noqa: N802
        assert stream.value == HANDLE and self._gpu.captured is not None
        captured, self._gpu.captured = self._gpu.captured, None
        if self._gpu.invalid:
            return INVALIDATED
        graph._obj.value = self._new(self._gpu.graphs, captured)
        return self._code("cuStreamEndCapture")

    def cuGraphInstantiateWithFlags(self, executable: Any, graph: ctypes.c_void_p, flags: Any) -> int:  # noqa: N802
        assert isinstance(flags, ctypes.c_ulonglong) and flags.value == 0
        if code := self._code("cuGraphInstantiateWithFlags"):
            return code
        executable._obj.value = self._new(self._gpu.executables, self._gpu.graphs[graph.value])  # type: ignore[index]
        return SUCCESS

    def cuGraphLaunch(self, executable: ctypes.c_void_p, stream: ctypes.c_void_p) -> int:  # noqa: N802
        assert stream.value == HANDLE
        if code := self._code("cuGraphLaunch"):
            return code
        self._gpu.work += self._gpu.executables[executable.value]  # type: ignore[index]
        return SUCCESS

    def cuGraphDestroy(self, graph: ctypes.c_void_p) -> int:  # noqa: N802
        del self._gpu.graphs[graph.value]  # type: ignore[arg-type]
        return SUCCESS

    def cuGraphExecDestroy(self, executable: ctypes.c_void_p) -> int:  # noqa: N802
        del self._gpu.executables[executable.value]  # type: ignore[arg-type]
        return SUCCESS

    def _code(self, name: str) -> int:
        self._gpu.need_context()
        return self._gpu.fails.get(name, SUCCESS)

    def _new(self, alive: dict[int, Any], content: Any) -> int:
        self._next += 16
        alive[self._next] = content
        return self._next

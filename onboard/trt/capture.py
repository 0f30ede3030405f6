"""A stream's work recorded once as a CUDA graph and launched as one.

pycuda has no stream capture. These few driver calls take the stream's own handle and need nothing but the driver;
NVIDIA's cuda-python has them too, but JetPack brings no such package and a node would load two of a kind.
"""

from collections.abc import Callable
from ctypes import byref, c_int, c_ulonglong, c_void_p

from onboard.trt.libcuda import CudaError, call

# CU_STREAM_CAPTURE_MODE_THREAD_LOCAL: another thread's CUDA calls do not end the capture.
_THREAD_LOCAL = 1


class Graph:
    """A captured graph, ready to launch; the context that it was captured in must be current."""

    def __init__(self, executable: c_void_p) -> None:
        self._executable = executable

    def launch(self, stream: int) -> None:
        """Launch it on a stream, given by its handle.

        Raises:
            CudaError: the driver refuses.
        """
        call("cuGraphLaunch", self._executable, c_void_p(stream))

    def close(self) -> None:
        """Give its memory back; nothing of it may be waiting on a stream.

        Raises:
            CudaError: the driver refuses.
        """
        call("cuGraphExecDestroy", self._executable)


def capture(stream: int, enqueue: Callable[[], bool]) -> Graph:
    """Record what `enqueue` puts on the stream; nothing of it runs.

    Args:
        stream: its handle.
        enqueue: puts work on the stream, all of it with fixed addresses; gives whether it could.

    Raises:
        CudaError: the work cannot be captured, or the driver cannot capture.
    """
    handle, graph, executable = c_void_p(stream), c_void_p(), c_void_p()
    call("cuStreamBeginCapture_v2", handle, c_int(_THREAD_LOCAL))
    done = False
    try:
        done = enqueue()
    finally:
        if not done:
            _abandon(handle)
    if not done:
        raise CudaError("TensorRT does not enqueue this engine while the stream is captured")
    call("cuStreamEndCapture", handle, byref(graph))
    try:
        call("cuGraphInstantiateWithFlags", byref(executable), graph, c_ulonglong(0))
    finally:
        call("cuGraphDestroy", graph)
    return Graph(executable)


def _abandon(handle: c_void_p) -> None:
    """Bring the stream out of capture mode. Ending an invalid capture does so, and returns an error all the same."""
    graph = c_void_p()
    try:
        call("cuStreamEndCapture", handle, byref(graph))
    except CudaError:
        return
    if graph:
        call("cuGraphDestroy", graph)

"""One window size in the engine: an execution context on its profile, fixed addresses, and a CUDA graph of both."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.crop_spec import Profile
from onboard.errors import InputError
from onboard.trt import capture
from onboard.trt.capture import Graph
from onboard.trt.checked import Checked
from onboard.trt.cuda import Buffer, Device, Times
from onboard.trt.graph import BOX, WINDOW
from onboard.trt.libcuda import CudaError
from onboard.trt.ports import Port

Shape = tuple[int, ...]


def inputs(size: Profile) -> dict[str, Shape]:
    """Shapes of the inputs for this window size, the side of a square or a whole frame's height and width."""
    height, width = (size, size) if isinstance(size, int) else size
    return {WINDOW: (1, height, width, 3), BOX: (1, 4)}


class Execution:
    """Runs one window size. The device must be current in all of its methods.

    Args:
        engine: TensorRT's.
        profile: the number of its optimisation profile.
        size: the window's side in pixels, or a whole frame's height and width.
        given: shapes of the inputs.
        ports: the engine's.
        device: whose stream it works on.
        checked: makes errors of TensorRT's refusals.

    Attributes:
        size: as given.
        shapes: of every input and output at this window size.
        graph_state: `captured`, or why there is no CUDA graph and each call is enqueued anew.

    Raises:
        InputError: TensorRT refuses the profile or a shape.
    """

    def __init__(
        self,
        engine: Any,
        profile: int,
        size: Profile,
        given: Mapping[str, Shape],
        ports: tuple[Port, ...],
        device: Device,
        checked: Checked,
    ) -> None:
        self._ports, self._device, self._checked, self.size = ports, device, checked, size
        stream = device.stream.handle
        context = checked(engine.create_execution_context(), f"no execution context for window size {size}")
        done = context.set_optimization_profile_async(profile, stream)
        checked(done, f"optimisation profile {profile} (window size {size}) cannot be set")
        device.stream.synchronize()  # the profile is set by work on the stream
        for name, shape in given.items():
            checked(context.set_input_shape(name, shape), f"input {name} cannot have the shape {list(shape)}")
        self.shapes: dict[str, Shape] = {port.name: tuple(context.get_tensor_shape(port.name)) for port in ports}
        if unknown := [name for name, shape in self.shapes.items() if min(shape, default=0) < 0]:
            raise checked.error(f"tensor {unknown[0]} has the shape {list(self.shapes[unknown[0]])} at {size} px")
        self._context = context
        self._graph: Graph | None = None
        self.graph_state = "not tried"

    def bind(self, buffers: Mapping[str, Buffer]) -> None:
        """Give every tensor its address, for good.

        Args:
            buffers: by tensor, each large enough.

        Raises:
            InputError: TensorRT refuses an address.
        """
        context = self._context
        self._in: list[tuple[str, Buffer, npt.NDArray[Any]]] = []
        self._out: list[tuple[str, Buffer, npt.NDArray[Any]]] = []
        for port in self._ports:
            buffer = buffers[port.name]
            done = context.set_tensor_address(port.name, buffer.address)
            self._checked(done, f"tensor {port.name} cannot lie at address {buffer.address:#x}")
            side = self._in if port.is_input else self._out
            side.append((port.name, buffer, buffer.view(self.shapes[port.name], port.dtype)))
        self._stopwatch = self._device.stopwatch()

    def warm_up(self, capturing: bool) -> None:
        """Run once on what lies in the buffers, then capture a graph; where that fails, plain calls go on.

        Args:
            capturing: whether to try.

        Raises:
            InputError: not even a plain call works.
        """
        self._go()
        if not capturing:
            self.graph_state = "not tried: the engine is for a DLA"
            return
        stream: int = self._device.stream.handle
        try:
            self._graph = capture.capture(stream, self._enqueue)
            self._graph.launch(stream)
            self._device.stream.synchronize()
            self.graph_state = "captured"
        except CudaError as error:
            self.graph_state = f"failed: {error} ({self._checked.words()})"
            self.close()
            self._go()

    def run(self, given: Mapping[str, npt.NDArray[Any]]) -> tuple[dict[str, npt.NDArray[Any]], Times]:
        """Fill the inputs, run, and give copies of the outputs, for the next window overwrites the buffers.

        Raises:
            InputError: an input has another shape or type.
        """
        for name, _, host in self._in:
            array = given[name]
            if (array.dtype, array.shape) != (host.dtype, host.shape):
                found, wanted = (f"{each.dtype} {list(each.shape)}" for each in (array, host))
                raise InputError(f"input {name} is {found}: {wanted} is needed")
            np.copyto(host, array)
        times = self._go()
        return {name: host.copy() for name, _, host in self._out}, times

    def close(self) -> None:
        """Give the graph back, if there is one."""
        graph, self._graph = self._graph, None
        if graph is not None:
            graph.close()

    def _go(self) -> Times:
        stream, stopwatch = self._device.stream, self._stopwatch
        stopwatch.mark(0)
        for _, buffer, host in self._in:
            buffer.upload(host, stream)
        stopwatch.mark(1)
        if self._graph is not None:
            self._graph.launch(stream.handle)
        else:
            self._checked(self._enqueue(), f"window size {self.size} cannot be enqueued")
        stopwatch.mark(2)
        for _, buffer, host in self._out:
            buffer.download(host, stream)
        stopwatch.mark(3)
        return stopwatch.wait()

    def _enqueue(self) -> bool:
        context = self._context
        return bool(context.execute_async_v3(self._device.stream.handle))

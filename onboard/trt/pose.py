"""An engine of a pose network alone, as the user flew it before: without bundle and manifest."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.trt import library, log, memory, ports
from onboard.trt.checked import Checked
from onboard.trt.cuda import Device
from onboard.trt.execution import Execution

_REMEDY = (
    "build it on this machine with this TensorRT (trtexec --onnx=pose.onnx --saveEngine=...), or give the ONNX file"
)
Array = npt.NDArray[Any]


class PoseEngine:
    """Runs a serialised engine. Memory is taken at the first call, whose shape all others must have.

    Args:
        path: of the engine.

    Attributes:
        inputs: their names.
        outputs: their names.
        runtime: library and version.
        device_bytes: of its activations, as TensorRT says; None where it does not.

    Raises:
        InputError: no TensorRT, pycuda or GPU; the engine is another GPU's or TensorRT's.
    """

    def __init__(self, path: Path) -> None:
        trt = library.load()
        self.runtime = f"{trt.__name__} {trt.__version__}"
        self._device = Device()
        logger = log.logger(trt)
        self._checked = Checked(path, logger, _REMEDY)
        with self._device.current():
            try:
                runtime = self._runtime = trt.Runtime(logger)
            except (TypeError, RuntimeError) as error:  # pybind's words for a null pointer
                raise self._checked.error(f"TensorRT gives no runtime: {error}") from error
            engine = runtime.deserialize_cuda_engine(path.read_bytes())
            engine = self._engine = self._checked(engine, "TensorRT cannot read the engine")
            self._ports = ports.read(trt, engine, self._checked)
            self.device_bytes = memory.of_context(engine)
        self.inputs = [port.name for port in self._ports if port.is_input]
        self.outputs = [port.name for port in self._ports if not port.is_input]
        self._execution: Execution | None = None

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name.

        Raises:
            InputError: the engine does not take this shape or type; the GPU fails.
        """
        try:
            with self._device.current():
                if self._execution is None:
                    self._execution = self._prepared(feed)
                return self._execution.run(feed)[0]
        except self._device.error as error:
            raise self._checked.error(f"the GPU fails: {error}") from error

    def _prepared(self, feed: Mapping[str, Array]) -> Execution:
        given = {name: array.shape for name, array in feed.items()}
        size = next(iter(given.values()))[-2:]
        execution = Execution(self._engine, 0, (size[0], size[1]), given, self._ports, self._device, self._checked)
        counts = {p.name: int(np.prod(execution.shapes[p.name])) * np.dtype(p.dtype).itemsize for p in self._ports}
        execution.bind({name: self._device.buffer(count) for name, count in counts.items()})
        execution.warm_up(capturing=False)
        return execution

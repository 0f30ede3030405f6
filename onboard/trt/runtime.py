"""A TensorRT engine in flight; it takes the place of ONNX Runtime."""

import threading
from pathlib import Path
from typing import Any

import numpy as np

from onboard.bundle import Bundle
from onboard.engine import Outputs
from onboard.errors import GpuRefusalError, InputError
from onboard.signing import signature_of
from onboard.trt import gpu as gpus
from onboard.trt import library, log, manifest, memory, ports
from onboard.trt.checked import Checked
from onboard.trt.cuda import Buffer, Device, Times
from onboard.trt.execution import Execution, inputs
from onboard.trt.graph import BOX, WINDOW
from onboard.trt.manifest import ENGINE, MANIFEST, EngineManifest, Library
from onboard.window import Window

# By how much a logit may differ from the training side's, as a share of its size (of 1 where it is less), or the
# bundle's own tolerance where that is more. Float32 adds in another order; float16 keeps 11 bits of each value; int8
# rounds to 256 steps. Stated, not measured: no engine has run yet.
TOLERANCES = {"fp32": 1e-3, "fp16": 2e-2, "int8": 1e-1}


class TrtEngine:
    """Runs a bundle's engine. All memory is taken at load; windows of one size after another share it.

    Args:
        bundle: checked.
        folder: the engine's, as `python -m onboard build` writes it.

    Attributes:
        manifest: the engine's.
        graph_states: for each window size `captured`, or why no CUDA graph is used.

    Raises:
        InputError: no engine there, or another bundle's, GPU's or TensorRT's; TensorRT or pycuda is absent; TensorRT
            refuses the engine, a tensor or a shape: this as GpuRefusalError.
    """

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        if not (folder / MANIFEST).is_file():
            raise InputError(
                f"{folder}: no folder of an engine ({MANIFEST} is not in it); build one on this machine: "
                f"python -m onboard build {bundle.folder}, which says where it is"
            )
        trt = library.load(EngineManifest.load(folder, bundle.key).library.name)
        self._gpu, self._library = gpus.find(), Library(trt.__name__, trt.__version__)
        self.manifest, data = manifest.read(folder, bundle, self._library, self._gpu)
        self._signed = bundle.key is not None
        self._bundle_tolerance = bundle.manifest.logit_tolerance
        self.remedy = f"build the engine again: {self.manifest.rebuild_command(folder, bundle)}; or fly by ONNX Runtime"
        self.name = f"{self._library.name} {self._library.version} on {self._gpu} in {self.manifest.precision}"
        self._folder = folder
        self._last: Times | None = None
        self._lock = threading.Lock()  # one set of buffers: two windows at once would mix
        self._device = Device()
        self._logger = log.logger(trt)
        self._checked = Checked(folder / ENGINE, self._logger, self.remedy)
        try:
            with self._device.current():
                self._load(trt, data, bundle)
        except self._device.error as error:
            raise GpuRefusalError(f"{folder / ENGINE}: the GPU cannot take it: {error}; {self.remedy}") from error
        self.graph_states = {each.size: each.graph_state for each in self._executions.values()}

    def run(self, window: Window) -> Outputs:
        """All outputs by name for one window, which must have one of the engine's sizes.

        Raises:
            InputError: window or box has another shape or type; TensorRT does not enqueue.
            Exception: whatever pycuda raises when the GPU fails.
        """
        pixels, box = window.pixels[None], window.region[None]
        execution = self._executions.get(window.pixels.shape[:2])
        if execution is None:
            have = list(self.graph_states)
            raise InputError(f"input {WINDOW} is {list(pixels.shape)}: the engine takes the sizes {have}")
        with self._lock, self._device.current():
            outputs, self._last = execution.run({WINDOW: pixels, BOX: box})
        return outputs

    def close(self) -> None:
        """Give the graphs back, before the engine is loaded anew in the same process; it runs no window after that.

        Memory, contexts and engine go when nothing refers to this object any more.
        """
        with self._lock, self._device.current():
            for execution in self._executions.values():
                execution.close()
            self._executions.clear()

    def tolerance(self, logit: float) -> float:
        """See TOLERANCES."""
        return max(self._bundle_tolerance, TOLERANCES[self.manifest.precision] * max(1.0, abs(logit)))

    def times_ms(self) -> dict[str, float]:
        """The last window's copy in, graph and copy out on the GPU, between CUDA events."""
        last = self._last
        return {} if last is None else {"h2d": last.h2d_ms, "compute": last.compute_ms, "d2h": last.d2h_ms}

    def device_bytes(self) -> int | None:
        """See `onboard.trt.memory`; of all window sizes' contexts."""
        one = memory.of_context(self._engine)
        return None if one is None else one * len(self._executions)

    def files(self) -> dict[Path, str | None]:
        """The engine, its manifest, and the manifest's signature where that was checked."""
        found = {self._folder / ENGINE: self.manifest.engine_sha256, self._folder / MANIFEST: None}
        return found | ({signature_of(self._folder / MANIFEST): None} if self._signed else {})

    def about(self) -> dict[str, Any]:
        """Library, GPU, engine, and how memory and calls are made."""
        return {
            "library": self._library.name,
            "version": self._library.version,
            "gpu": str(self._gpu),
            "precision": self.manifest.precision,
            "dla_core": self.manifest.dla_core,
            "engine_sha256": self.manifest.engine_sha256,
            "host_memory": "mapped" if self._device.mapped else "pinned",
            "cuda_graphs": {str(size): state for size, state in self.graph_states.items()},
        }

    def _load(self, trt: Any, data: bytes, bundle: Bundle) -> None:
        try:
            runtime = self._runtime = trt.Runtime(self._logger)
        except (TypeError, RuntimeError) as error:  # pybind's words for a null pointer
            raise self._checked.error(f"TensorRT gives no runtime: {error}") from error
        if self.manifest.dla_core is not None:
            runtime.DLA_core = self.manifest.dla_core
        engine = self._engine = self._checked(runtime.deserialize_cuda_engine(data), "TensorRT cannot read the engine")
        found = ports.read(trt, engine, self._checked)
        self._check_names(found, bundle)
        shapes = bundle.manifest.crop.window_shapes
        self._executions: dict[tuple[int, ...], Execution] = {
            shape: Execution(engine, number, size, inputs(size), found, self._device, self._checked)
            for number, (size, shape) in enumerate(zip(self.manifest.profiles, shapes, strict=True))
        }
        buffers = self._buffers(found)
        for execution in self._executions.values():
            execution.bind(buffers)
            execution.warm_up(capturing=self.manifest.dla_core is None)

    def _buffers(self, found: tuple[ports.Port, ...]) -> dict[str, Buffer]:
        """One for each tensor, as large as the window size that asks most of it."""
        largest = {
            port.name: max(
                int(np.prod(execution.shapes[port.name], dtype=np.int64)) * np.dtype(port.dtype).itemsize
                for execution in self._executions.values()
            )
            for port in found
        }
        return {name: self._device.buffer(count) for name, count in largest.items()}

    def _check_names(self, found: tuple[ports.Port, ...], bundle: Bundle) -> None:
        have = [sorted(port.name for port in found if port.is_input is side) for side in (True, False)]
        want = [sorted(each.name for each in side) for side in (bundle.manifest.inputs, bundle.manifest.outputs)]
        if have != want:
            raise self._checked.error(f"the engine has inputs and outputs {have}, the bundle's manifest says {want}")

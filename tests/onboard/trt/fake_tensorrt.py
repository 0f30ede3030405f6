"""TensorRT for tests: the named-tensor part of a runtime, whose engines are ONNX graphs that ONNX Runtime computes.

Every public attribute of the fake objects must be one that the version played has; test_trt_runtime.py holds that
against the API files.
"""

import enum
import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnxruntime

from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.ort_options import session_options
from onboard.trt.gpu import Gpu
from onboard.trt.manifest import ENGINE, MANIFEST, EngineManifest, Library
from tests.onboard.trt.fake_cuda import HANDLE, FakeGpu

TYPES = {"tensor(uint8)": ("UINT8", np.uint8), "tensor(float)": ("FLOAT", np.float32)}


class TensorIOMode(enum.Enum):
    INPUT = 1
    OUTPUT = 2


class ILogger:
    class Severity(enum.IntEnum):
        ERROR = 1
        WARNING = 2


class FakeTensorRT:
    """A TensorRT of one name and version on a fake GPU.

    Attributes:
        module: what `import tensorrt` would give.
        refused: what it says no to: a method's name, or name:tensor.
        seen: how often each method was called.
        full: whether no engine fits on the GPU any more.
        drift: added to every output: an engine that computes something else.
        dla_core: what the runtime was told.
        runtimes, engines, contexts: all that were made.
    """

    def __init__(self, gpu: FakeGpu, name: str = "tensorrt", version: str = "10.3.0") -> None:
        self.gpu, self.drift = gpu, 0.0
        self.refused: set[str] = set()
        self.full: Callable[[], bool] = lambda: False
        self.seen: dict[str, int] = {}
        self.dla_core: int | None = None
        self.runtimes: list[Runtime] = []
        self.engines: list[Engine] = []
        self.contexts: list[Context] = []
        self.module = ModuleType(name)
        self.module.__version__ = version  # type: ignore[attr-defined]
        self.module.ILogger = ILogger  # type: ignore[attr-defined]
        self.module.TensorIOMode = TensorIOMode  # type: ignore[attr-defined]
        self.module.Runtime = lambda logger: Runtime(self, logger)  # type: ignore[attr-defined]

    def library(self) -> Library:
        return Library(self.module.__name__, self.module.__version__)  # type: ignore[arg-type]

    def allows(self, logger: Any, method: str, tensor: str = "") -> bool:
        self.seen[method] = self.seen.get(method, 0) + 1
        refused = bool({method, f"{method}:{tensor}"} & self.refused)
        if refused:
            logger.log(ILogger.Severity.ERROR, f"API Usage Error in {method}")
        return not refused


class Runtime:
    def __init__(self, world: FakeTensorRT, logger: Any) -> None:
        self._world, self._logger = world, logger
        world.runtimes.append(self)

    @property
    def DLA_core(self) -> int:  # noqa: N802
        return self._world.dla_core or 0

    @DLA_core.setter
    def DLA_core(self, core: int) -> None:  # noqa: N802
        self._world.dla_core = core

    def deserialize_cuda_engine(self, data: bytes) -> "Engine | None":
        self._world.gpu.need_context()
        if not self._world.allows(self._logger, "deserialize_cuda_engine") or self._world.full():
            return None
        engine = Engine(self._world, self._logger, data)
        self._world.engines.append(engine)
        return engine


class Dims:
    """Neither a tuple nor a list, as TensorRT's."""

    def __init__(self, sizes: Any) -> None:
        self._sizes = tuple(sizes)

    def __iter__(self) -> Iterator[int]:
        return iter(self._sizes)

    def __len__(self) -> int:
        return len(self._sizes)


class Engine:
    def __init__(self, world: FakeTensorRT, logger: Any, data: bytes) -> None:
        head, _, model = data.partition(b"\n")
        self._world, self._logger = world, logger
        self._sizes: list[int] = json.loads(head)
        self._session = onnxruntime.InferenceSession(model, session_options(), providers=["CPUExecutionProvider"])
        self._inputs = {port.name: port.type for port in self._session.get_inputs()}
        self._outputs = {port.name: port.type for port in self._session.get_outputs()}
        self._names = [*self._outputs, *self._inputs]
        self._taken: dict[int, Context] = {}

    @property
    def num_io_tensors(self) -> int:
        return len(self._names)

    def get_tensor_name(self, index: int) -> str:
        return self._names[index]

    def get_tensor_mode(self, name: str) -> TensorIOMode:
        return TensorIOMode.INPUT if name in self._inputs else TensorIOMode.OUTPUT

    def get_tensor_dtype(self, name: str) -> Any:
        kinds = enum.Enum("DataType", {"UINT8": 1, "FLOAT": 2, "FP8": 3})  # type: ignore[misc]
        if f"get_tensor_dtype:{name}" in self._world.refused:
            return kinds["FP8"]
        return kinds[TYPES[(self._inputs | self._outputs)[name]][0]]

    def create_execution_context(self) -> "Context | None":
        if not self._world.allows(self._logger, "create_execution_context"):
            return None
        context = Context(self._world, self._logger, self)
        self._world.contexts.append(context)
        return context


class Context:
    def __init__(self, world: FakeTensorRT, logger: Any, engine: Engine) -> None:
        self._world, self._logger, self._engine = world, logger, engine
        self._size: int | None = None
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._addresses: dict[str, int] = {}

    def set_optimization_profile_async(self, profile_index: int, stream_handle: int) -> bool:
        taken, sizes = self._engine._taken, self._engine._sizes
        if not self._world.allows(self._logger, "set_optimization_profile_async") or stream_handle != HANDLE:
            return False
        if profile_index >= len(sizes) or taken.setdefault(profile_index, self) is not self:
            return False
        self._world.gpu.put(lambda: setattr(self, "_size", sizes[profile_index]), 0.0)
        return True

    def set_input_shape(self, name: str, shape: tuple[int, ...]) -> bool:
        own = {port.name: tuple(port.shape) for port in self._engine._session.get_inputs()}
        wanted = {**own, "window": (1, self._size, self._size, 3)}
        if not self._world.allows(self._logger, "set_input_shape", name) or shape != wanted.get(name):
            return False
        self._shapes[name] = shape
        return True

    def get_tensor_shape(self, name: str) -> Dims:
        if f"get_tensor_shape:{name}" in self._world.refused:
            return Dims((1, -1))
        if name in self._shapes:
            return Dims(self._shapes[name])
        zeros = {n: np.zeros(shape, TYPES[self._engine._inputs[n]][1]) for n, shape in self._shapes.items()}
        return Dims(self._engine._session.run([name], zeros)[0].shape)

    def set_tensor_address(self, name: str, memory: int) -> bool:
        if not self._world.allows(self._logger, "set_tensor_address", name):
            return False
        assert memory in (self._world.gpu.host if self._world.gpu.integrated else self._world.gpu.device)
        self._addresses[name] = memory
        return True

    def execute_async_v3(self, stream_handle: int) -> bool:
        gpu = self._world.gpu
        capturing = "capturing" if gpu.captured is not None else ""
        if not self._world.allows(self._logger, "execute_async_v3", capturing) or stream_handle != HANDLE:
            return False
        if capturing and "capture" in self._world.refused:
            gpu.invalid = True
        addresses = dict(self._addresses)
        assert set(addresses) == set(self._engine._names), "a tensor has no address"
        gpu.put(lambda: self._compute(addresses), 1.0)
        return True

    def _compute(self, addresses: dict[str, int]) -> None:
        feed = {}
        for name, shape in self._shapes.items():
            dtype = np.dtype(TYPES[self._engine._inputs[name]][1])
            memory = self._world.gpu.memory(addresses[name], int(np.prod(shape)) * dtype.itemsize)
            feed[name] = memory.view(dtype).reshape(shape).copy()
        names = list(self._engine._outputs)
        for name, array in zip(names, self._engine._session.run(names, feed), strict=True):
            data = (array + np.float32(self._world.drift)).tobytes()
            self._world.gpu.memory(addresses[name], len(data))[:] = np.frombuffer(data, np.uint8)


def write_engine(folder: Path, bundle: Path, made_by: Library, card: FakeGpu, **changes: Any) -> Path:
    """An engine of the fake for a bundle, with a manifest that fits; `changes` replace the manifest's fields."""
    source = bundles.read(bundle)
    sizes = source.manifest.crop.windows
    data = json.dumps(sizes).encode() + b"\n" + source.contents[source.manifest.model]
    fields: dict[str, Any] = {
        "format": 1,
        "model_sha256": source.manifest.files[source.manifest.model],
        "engine_sha256": hashlib.sha256(data).hexdigest(),
        "gpu": Gpu(card.name, ".".join(map(str, card.capability))),
        "library": made_by,
        "precision": "fp32",
        "strongly_typed": True,
        "tf32": False,
        "profiles": sizes,
        "workspace_mb": None,
        "dla_core": None,
        "timing_cache_sha256": None,
        "placement": None,
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ENGINE).write_bytes(data)
    (folder / MANIFEST).write_text(strict_yaml.dump(EngineManifest(**{**fields, **changes})))
    return folder

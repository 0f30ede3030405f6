"""What runs a graph here: ONNX Runtime or TensorRT, behind one interface."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt
import onnxruntime

from onboard.bundle import Bundle
from onboard.compare.memory import ENGINES
from onboard.errors import InputError
from onboard.ort_options import session_options
from onboard.window import Window

Array = npt.NDArray[Any]


class Network(Protocol):
    """Runs a graph.

    Attributes:
        inputs: their names.
        outputs: their names.
        runtime: library and version.
        device_bytes: of its activations on the GPU; None where it runs on the processor or nothing tells.
    """

    inputs: list[str]
    outputs: list[str]
    runtime: str
    device_bytes: int | None

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name."""
        ...


class OrtNetwork:
    """A graph in ONNX Runtime on the processor.

    Args:
        source: an ONNX file, or its bytes where it has no weights beside it.
        name: what an error calls it.
        threads: of one operator; 0 takes all cores.
        optimised: with ONNX Runtime's optimisation, as it flies; without it each node computes by itself.

    Raises:
        InputError: ONNX Runtime refuses the graph.
    """

    def __init__(self, source: Path | bytes, name: str, threads: int = 1, optimised: bool = True) -> None:
        options = session_options(threads)
        options.log_severity_level = 3
        level = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
        graph = source if isinstance(source, bytes) else str(source)
        try:
            self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            raise InputError(
                f"{name}: ONNX Runtime {onnxruntime.__version__} refuses it ({_short(error)}); an ONNX file is needed"
            ) from error
        self._name = name
        self.inputs = [tensor.name for tensor in self._session.get_inputs()]
        self.outputs = [tensor.name for tensor in self._session.get_outputs()]
        self.runtime = f"ONNX Runtime {onnxruntime.__version__}"
        self.device_bytes: int | None = None

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name.

        Raises:
            InputError: the graph does not take these inputs.
        """
        try:
            return dict(zip(self.outputs, self._session.run(self.outputs, dict(feed)), strict=True))
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            shapes = ", ".join(f"{name} {value.dtype} {list(value.shape)}" for name, value in feed.items())
            raise InputError(f"{self._name}: cannot be run on {shapes} ({_short(error)})") from error


class BundleEngine:
    """A bundle's TensorRT engine.

    Args:
        bundle: checked.
        folder: the engine's.
    """

    def __init__(self, bundle: Bundle, folder: Path) -> None:
        from onboard.trt.runtime import TrtEngine  # as in load_pose

        self._engine = TrtEngine(bundle, folder)
        self.inputs = [each.name for each in bundle.manifest.inputs]
        self.outputs = [each.name for each in bundle.manifest.outputs]
        self.runtime = self._engine.name
        self.device_bytes = self._engine.device_bytes()

    def run(self, feed: Mapping[str, Array]) -> dict[str, Array]:
        """All outputs by name, of `window` and `box`."""
        return dict(self._engine.run(Window(feed["window"][0], feed["box"][0])))


def load_pose(path: Path, threads: int, optimised: bool) -> Network:
    """The old pose network.

    Raises:
        InputError: it is not there, cannot be run here, or has not exactly one input.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: no such file; give the pose network that was flown before, an ONNX file or an engine"
        )
    if path.suffix.lower() in ENGINES:
        from onboard.trt.pose import PoseEngine  # TensorRT and pycuda are loaded where an engine is given

        network: Network = PoseEngine(path)
    else:
        network = OrtNetwork(path, str(path), threads, optimised)
    if len(network.inputs) != 1:
        raise InputError(f"{path}: has the inputs {', '.join(network.inputs)}; one, the image, is needed")
    return network


def load_fused(bundle: Bundle, threads: int, optimised: bool, engine: Path | None) -> Network:
    """The bundle's graph, or the engine in a folder that `python -m onboard build` has made of it.

    Raises:
        InputError: it cannot be run here.
    """
    if engine is not None:
        return BundleEngine(bundle, engine)
    name = bundle.manifest.model
    return OrtNetwork(bundle.contents[name], str(bundle.folder / name), threads, optimised)


def load_preprocessing(bundle: Bundle, threads: int, optimised: bool) -> OrtNetwork:
    """From window and box to the image that the bundle's own pose network sees.

    Raises:
        InputError: the bundle has no such graph.
    """
    name = bundle.manifest.preprocessing
    if name is None:
        raise InputError(
            f"{bundle.folder}: is no fused bundle, or was fused before bundles held their preprocessing; write it with "
            "'python -m train fuse RUN --pose POSE'"
        )
    return OrtNetwork(bundle.contents[name], str(bundle.folder / name), threads, optimised)


def _short(error: Exception) -> str:
    return " ".join(str(error).split())[:300]

"""What runs a graph here. Only ONNX Runtime so far: a TensorRT engine needs an entry in `load_pose`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt
import onnxruntime

from onboard.bundle import Bundle
from onboard.errors import InputError

Array = npt.NDArray[Any]
ENGINES = (".engine", ".plan", ".trt")


class Network(Protocol):
    """Runs a graph.

    Attributes:
        inputs: their names.
        outputs: their names.
        runtime: library and version.
        device_bytes: what it takes on the GPU; None where it runs on the processor.
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
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
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


def load_pose(path: Path, threads: int, optimised: bool) -> Network:
    """The old pose network.

    Raises:
        InputError: it is not there, cannot be run here, or has not exactly one input.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; give the pose network that was flown before, as an ONNX file")
    if path.suffix.lower() in ENGINES:
        raise InputError(
            f"{path}: an engine of the pose network alone cannot be run here yet; give the ONNX file that it was built "
            "from. TensorRT's own difference between the two engines is then not in the figures"
        )
    network = OrtNetwork(path, str(path), threads, optimised)
    if len(network.inputs) != 1:
        raise InputError(f"{path}: has the inputs {', '.join(network.inputs)}; one, the image, is needed")
    return network


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

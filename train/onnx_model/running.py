"""ONNX Runtime on the ground."""

import onnxruntime
from onnx import ModelProto

from onboard.errors import InputError
from onboard.ort_options import session_options


def session(model: ModelProto, name: str, optimised: bool = False) -> onnxruntime.InferenceSession:
    """A session on the CPU with one thread; `name` is what an error calls the model.

    Raises:
        InputError: ONNX Runtime refuses the model.
    """
    options = session_options()
    options.log_severity_level = 3
    level = onnxruntime.GraphOptimizationLevel
    options.graph_optimization_level = level.ORT_ENABLE_ALL if optimised else level.ORT_DISABLE_ALL
    try:
        return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's exceptions have no common base class
        raise InputError(
            f"{name}: ONNX Runtime {onnxruntime.__version__} refuses the network: {' '.join(str(error).split())[:400]}"
        ) from error

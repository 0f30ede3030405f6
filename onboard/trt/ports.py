"""An engine's inputs and outputs, by name."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from onboard.trt.checked import Checked

# By the names of trt.DataType's members. TensorRT's own nptype fails in 8.5 and 8.6 beside NumPy 1.24 or later, and the
# members differ by version (INT64 came with 10).
_NUMPY = {
    "FLOAT": np.float32,
    "HALF": np.float16,
    "INT64": np.int64,
    "INT32": np.int32,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "BOOL": np.bool_,
}


@dataclass(frozen=True)
class Port:
    """A tensor that goes into or comes out of the engine."""

    name: str
    dtype: Any
    is_input: bool


def read(trt: Any, engine: Any, checked: Checked) -> tuple[Port, ...]:
    """All of an engine's.

    Raises:
        InputError: one has a type that NumPy lacks.
    """
    found = []
    for index in range(engine.num_io_tensors):
        name = engine.get_tensor_name(index)
        kind = engine.get_tensor_dtype(name).name
        if kind not in _NUMPY:
            raise checked.error(f"tensor {name} is {kind}, which NumPy lacks")
        found.append(Port(name, _NUMPY[kind], engine.get_tensor_mode(name) == trt.TensorIOMode.INPUT))
    return tuple(found)

"""What runs the flight graph: ONNX Runtime on the processor, or a TensorRT engine on the GPU."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy.typing as npt

from onboard.bundle import Bundle
from onboard.window import Window

Outputs = Mapping[str, npt.NDArray[Any]]


class Engine(Protocol):
    """Runs a bundle's graph for one window at a time.

    Attributes:
        name: library, version and where it runs, for messages.
        remedy: what to do when it gives another answer than the training side.
    """

    name: str
    remedy: str

    def run(self, window: Window) -> Outputs:
        """All outputs by name; the arrays are the caller's own. Raises whatever the library raises."""
        ...

    def tolerance(self, logit: float) -> float:
        """By how much its logit may differ from this one of the training side."""
        ...

    def times_ms(self) -> dict[str, float]:
        """What the last window took inside it, by stage, in milliseconds; empty where nothing tells."""
        ...

    def files(self) -> dict[Path, str | None]:
        """Files beside the bundle's that it was loaded from, and their SHA-256; None: nothing says it."""
        ...

    def about(self) -> dict[str, Any]:
        """What a run's record says of it; plain values only."""
        ...


def load(bundle: Bundle, threads: int = 1, folder: Path | None = None) -> Engine:
    """The engine in `folder`, or ONNX Runtime where none is given.

    The libraries are imported here: a node loads the one that it flies with and not the other.

    Args:
        bundle: checked.
        threads: that ONNX Runtime may use; 0 for all cores. TensorRT does not ask.
        folder: where `python -m onboard build` has put a TensorRT engine.

    Raises:
        InputError: the graph or engine cannot be run on this machine.
    """
    if folder is None:
        from onboard.runtime_ort import OrtEngine

        return OrtEngine(bundle, threads)
    from onboard.trt.runtime import TrtEngine

    return TrtEngine(bundle, folder)

"""The flight graph in ONNX Runtime."""

from pathlib import Path
from typing import Any

import onnxruntime

from onboard.bundle import Bundle
from onboard.engine import Outputs
from onboard.errors import InputError
from onboard.ort_options import session_options
from onboard.window import Window


class OrtEngine:
    """Runs a bundle's graph.

    Args:
        bundle: checked.
        threads: of one operator; 0 takes all cores.

    Raises:
        InputError: ONNX Runtime refuses the graph, or the graph's inputs and outputs are not the manifest's.
    """

    name = f"ONNX Runtime {onnxruntime.__version__}"
    remedy = (
        "make it again ('python -m train export'; int8: 'python -m calibration int8'), or try another version of ONNX "
        "Runtime"
    )

    def __init__(self, bundle: Bundle, threads: int = 1) -> None:
        self._threads, self._tolerance = threads, bundle.manifest.logit_tolerance
        name = bundle.folder / bundle.manifest.model
        try:
            self._session = onnxruntime.InferenceSession(
                bundle.contents[bundle.manifest.model], session_options(threads), providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # ONNX Runtime's exceptions have no common base class
            raise InputError(f"{name}: ONNX Runtime {onnxruntime.__version__} refuses the graph: {error}") from error
        self.output_names = [output.name for output in self._session.get_outputs()]
        found = sorted(tensor.name for tensor in self._session.get_inputs()), sorted(self.output_names)
        wanted = (
            sorted(i.name for i in bundle.manifest.inputs),
            sorted(o.name for o in bundle.manifest.outputs),
        )
        if found != wanted:
            raise InputError(f"{name}: the graph has inputs and outputs {found}, the manifest says {wanted}")

    def run(self, window: Window) -> Outputs:
        """All outputs by name for one window."""
        feed = {"window": window.pixels[None], "box": window.region[None]}
        return dict(zip(self.output_names, self._session.run(self.output_names, feed), strict=True))

    def tolerance(self, logit: float) -> float:
        """The manifest's."""
        return self._tolerance

    def times_ms(self) -> dict[str, float]:
        """Nothing: one call is all that there is."""
        return {}

    def files(self) -> dict[Path, str | None]:
        """None: the graph is the bundle's."""
        return {}

    def about(self) -> dict[str, Any]:
        """Library and threads."""
        return {"library": "onnxruntime", "version": onnxruntime.__version__, "threads": self._threads}

"""The flight graph: crop, backbone and head in one ONNX file."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from train.backbones.trunk import Backbone
from train.preprocessing import Preprocessing, seen

OPSET = 17  # the highest that TensorRT 8.5 and 8.6 take


class FlightGraph(nn.Module):
    """Window and box in, logit out.

    Args:
        crop: the resize.
        backbone: frozen.
        layers: the backbone's vectors that the head takes, in this order.
        head: folded.
    """

    def __init__(self, crop: Preprocessing, backbone: Backbone, layers: Sequence[str], head: nn.Module) -> None:
        super().__init__()
        self.crop, self.backbone, self.head = crop, backbone, head
        self.layers = list(layers)

    def forward(self, window: Tensor, box: Tensor) -> Tensor:
        """Logits, B x 1, of windows uint8 B x h x w x 3 and boxes float32 B x 4."""
        vectors = seen(self.crop, self.backbone, window, box)
        logits: Tensor = self.head(torch.cat([vectors[name] for name in self.layers], dim=1))
        return logits


def write(graph: FlightGraph, path: Path, window_px: int) -> None:
    """Write the graph with a dynamic window size; parts of the backbone that no layer needs are left out.

    Args:
        graph: on the CPU.
        path: of the ONNX file.
        window_px: the size that the export is traced with.
    """
    window = torch.zeros(1, window_px, window_px, 3, dtype=torch.uint8)
    quarter = window_px / 4
    box = torch.tensor([[quarter, quarter, 3 * quarter, 3 * quarter]])
    with warnings.catch_warnings(), torch.inference_mode():
        # The tracing exporter writes opset 17 with the window's size as a variable, also where it is a divisor; the
        # newer one starts at opset 18. Its notes on tracing are about the window's size, which is meant.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            graph.eval(),
            (window, box),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=["window", "box"],
            output_names=["debris_logit"],
            dynamic_axes={"window": {1: "height", 2: "width"}},
        )
    model = onnx.load(str(path))
    # Where the window's size is open, the exporter's shape inference loses the output's shape.
    for dimension in model.graph.output[0].type.tensor_type.shape.dim:
        dimension.dim_value = 1
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, str(path))

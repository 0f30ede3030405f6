"""A pose network as an ONNX file, as a user would have exported it."""

import warnings
from pathlib import Path

import onnx
import torch

from onboard import files
from train.export.graph import OPSET
from train.pose.network import INPUT_PX, PoseNetwork

INPUT, OUTPUTS = "image", ("rotation", "translation")


def write_onnx(network: PoseNetwork, path: Path, opset: int = OPSET, dynamic_batch: bool = False) -> None:
    """Write the network: input `image`, float32 B x 3 x 224 x 224, normalised; outputs `rotation` and `translation`.

    Args:
        network: on the CPU.
        path: of the ONNX file, written whole or not at all.
        opset: 11 to 20.
        dynamic_batch: leave B open; else it is 1.
    """
    image = torch.zeros(1, 3, INPUT_PX, INPUT_PX)
    axes = {name: {0: "batch"} for name in (INPUT, *OUTPUTS)} if dynamic_batch else None
    with files.whole(path) as beside:
        with warnings.catch_warnings(), torch.inference_mode():
            warnings.simplefilter("ignore")  # the tracing exporter, on purpose: the newer one starts at opset 18
            torch.onnx.export(
                network.eval(),
                (image,),
                str(beside),
                dynamo=False,
                opset_version=opset,
                input_names=[INPUT],
                output_names=list(OUTPUTS),
                dynamic_axes=axes,
            )
        model = onnx.load(str(beside))
        for output in model.graph.output:  # the exporter's shape inference loses the batch of some
            batch = output.type.tensor_type.shape.dim[0]
            batch.Clear()
            if dynamic_batch:
                batch.dim_param = "batch"
            else:
                batch.dim_value = 1
        onnx.checker.check_model(model, full_check=True)
        onnx.save(model, str(beside))

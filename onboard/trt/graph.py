"""The bundle's graph as a TensorRT network: parsed by path, its precision read, its inputs checked."""

from pathlib import Path
from typing import Any

from onboard.errors import InputError

WINDOW, BOX = "window", "box"


def create(trt: Any, builder: Any) -> tuple[Any, bool]:
    """An empty network, and whether it is strongly typed (version 10 and later: precision is the graph's own)."""
    wanted = 0
    for name in ("EXPLICIT_BATCH", "STRONGLY_TYPED"):
        flag = getattr(trt.NetworkDefinitionCreationFlag, name, None)
        if flag is not None:
            wanted |= 1 << int(flag)
    typed = hasattr(trt.NetworkDefinitionCreationFlag, "STRONGLY_TYPED")
    return builder.create_network(wanted), typed


def parse(trt: Any, network: Any, model: Path, logger: Any) -> None:
    """Fill the network from an ONNX file. By path, not from bytes: weights may lie in a file beside it.

    Raises:
        InputError: TensorRT's parser refuses the graph; every error names its ONNX node.
    """
    parser = trt.OnnxParser(network, logger)
    if parser.parse_from_file(str(model)) and parser.num_errors == 0:
        return
    found = [_told(parser.get_error(index)) for index in range(parser.num_errors)]
    listed = "\n  ".join(dict.fromkeys(found)) or logger.text()
    raise InputError(
        f"{model}: {trt.__name__} {trt.__version__} cannot take this graph:\n  {listed}\n"
        "Export it again at opset 17 or lower from operators that this TensorRT has; "
        "ONNX Runtime flies the bundle as it is"
    )


def _told(parse_error: Any) -> str:
    named = getattr(parse_error, "node_name", None)
    operator = getattr(parse_error, "node_operator", None)
    number = parse_error.node()
    name = (named() if named else "") or (f"number {number}" if number >= 0 else "")
    kind = f" ({operator()})" if operator and operator() else ""
    where = f"node '{name}'{kind}: " if name else ""
    return f"{where}{parse_error.desc()} [{str(parse_error.code()).rpartition('.')[2]}]"


def precision(trt: Any, network: Any) -> str:
    """`int8` where the graph quantises, else `fp16` where it holds float16, else `fp32`."""
    found = "fp32"
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        if layer.type in (trt.LayerType.QUANTIZE, trt.LayerType.DEQUANTIZE):
            return "int8"
        for output in range(layer.num_outputs):
            tensor = layer.get_output(output)
            if tensor is not None and tensor.dtype == trt.DataType.HALF:
                found = "fp16"
    return found


def check_inputs(network: Any, windows: tuple[tuple[int, int], ...], model: Path) -> None:
    """Make sure that the graph takes a window of each height and width, and a box.

    Raises:
        InputError: it has other inputs, or a shape that the windows do not fit.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        shapes[tensor.name] = tuple(tensor.shape)
    wanted: dict[str, list[tuple[int, ...]]] = {
        WINDOW: [(1, height, width, 3) for height, width in windows],
        BOX: [(1, 4)],
    }
    if set(shapes) != set(wanted):
        raise InputError(
            f"{model}: inputs {sorted(shapes)} found, {sorted(wanted)} needed; only a flight graph that "
            "'python -m train export' or 'fuse' wrote can be built here, trtexec builds any other"
        )
    for name, each in wanted.items():
        for shape in each:
            if len(shapes[name]) != len(shape) or any(
                have not in (-1, want) for have, want in zip(shapes[name], shape, strict=True)
            ):
                raise InputError(
                    f"{model}: input {name} is {list(shapes[name])}, which {list(shape)} does not fit; "
                    "export the bundle again with what the graph takes in crop.windows, or in crop.frame_px"
                )

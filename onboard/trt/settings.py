"""The builder's configuration: precision, memory, one optimisation profile per window size, DLA.

Windows are given by their height and width.
"""

from pathlib import Path
from typing import Any

from onboard.errors import InputError
from onboard.trt.graph import BOX, WINDOW


def check_precision(wanted: str, found: str, model: Path) -> None:
    """Precision lives in the graph; what is asked for must be what it holds.

    Raises:
        InputError: it is not.
    """
    if wanted in ("auto", found):
        return
    remedy = {
        "fp32": "export the bundle again without a lower precision",
        "fp16": "write the bundle again with 'python -m train export' or 'fuse' and --precision fp16",
        "int8": "write a bundle with 'python -m calibration int8'",
    }
    raise InputError(
        f"{model}: the graph computes in {found}, --precision {wanted} was asked for. Precision is a property of the "
        f"graph, so that every TensorRT computes the same: {remedy[wanted]}, or build it as it is with --precision auto"
    )


def set_types(trt: Any, config: Any, network: Any, precision: str, strongly_typed: bool) -> None:
    """Clear TF32; where typing is weak (8.x), allow the graph's types and bind each layer to them."""
    config.clear_flag(trt.BuilderFlag.TF32)
    if strongly_typed or precision == "fp32":
        return
    for name in ("FP16", "OBEY_PRECISION_CONSTRAINTS") if precision == "fp16" else ("INT8",):
        flag = getattr(trt.BuilderFlag, name, None)
        if flag is not None:
            config.set_flag(flag)
    if precision == "fp16":
        _bind_layers(trt, network)


def _bind_layers(trt: Any, network: Any) -> None:
    """Hold every layer to its own output's type: a pixel coordinate does not fit float16."""
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        tensor = layer.get_output(0)
        floats = (trt.DataType.FLOAT, trt.DataType.HALF)
        if hasattr(layer, "precision") and tensor is not None and tensor.dtype in floats:
            layer.precision = tensor.dtype


def add_profiles(builder: Any, config: Any, windows: tuple[tuple[int, int], ...]) -> None:
    """One profile for each window size, in the manifest's order, fixed to that size.

    Raises:
        InputError: TensorRT refuses one.
    """
    for height, width in windows:
        profile = builder.create_optimization_profile()
        for name, shape in ((WINDOW, (1, height, width, 3)), (BOX, (1, 4))):
            profile.set_shape(name, shape, shape, shape)
        if config.add_optimization_profile(profile) < 0:
            raise InputError(
                f"TensorRT refuses an optimisation profile of window size {height} x {width}; the log above says why"
            )


def set_dla(
    trt: Any, builder: Any, config: Any, network: Any, core: int, precision: str, windows: tuple[tuple[int, int], ...]
) -> None:
    """Send every layer to a DLA core, and to the GPU what the DLA cannot take.

    Raises:
        InputError: the graph is not for a DLA, or there is no such core.
    """
    if precision == "fp32":
        raise InputError(
            f"--dla {core}: a DLA computes in fp16 and int8 only, this graph is fp32; "
            "build without --dla, or write the bundle with 'python -m train export' or 'fuse' and --precision fp16"
        )
    if len(windows) > 1:
        raise InputError(
            f"--dla {core}: a DLA needs fixed shapes, the bundle has windows {[height for height, _ in windows]}; "
            "train and export with one size in crop.windows, or build without --dla"
        )
    if core >= builder.num_DLA_cores:
        raise InputError(
            f"--dla {core}: this machine and TensorRT have {builder.num_DLA_cores} DLA cores; "
            "give a smaller number, or build without --dla"
        )
    for index in range(network.num_inputs):
        tensor = network.get_input(index)
        tensor.shape = (1, *windows[0], 3) if tensor.name == WINDOW else (1, 4)
    config.default_device_type = trt.DeviceType.DLA
    config.DLA_core = core
    config.set_flag(trt.BuilderFlag.GPU_FALLBACK)

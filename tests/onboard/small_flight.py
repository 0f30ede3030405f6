"""A flight bundle made in milliseconds and without torch, so that it can be made on a Jetson too."""

from pathlib import Path

import cv2
import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from onboard import bundle as bundles
from onboard.crop_spec import CropSpec
from onboard.files import sha256
from onboard.manifest import KnownAnswer, Manifest, TensorSpec
from onboard.runtime_ort import OrtEngine
from onboard.window import Window

SIZES = (64, 128)


def window(size: int, seed: int) -> Window:
    """Coarse noise, which a strided convolution tells apart, with a box in it."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 256, (8, 8, 3), np.uint8)
    pixels = cv2.resize(coarse, (size, size), interpolation=cv2.INTER_NEAREST)
    return Window(pixels, np.float32([1, 2, size - 3 - seed % 7, size - 4]))


def write_bundle(folder: Path, sizes: tuple[int, ...] = SIZES, centred: bool = False) -> Path:
    """A bundle of a small network with a pose output; its known answers are ONNX Runtime's.

    `centred` has it subtract a vector, which ONNX Runtime, other than a matrix or a kernel, computes with as stored.
    """
    folder.mkdir(parents=True)
    onnx.save(_network(centred), folder / "model.onnx")
    shown = {f"known_answer_{size}.png": window(size, size) for size in sizes}
    for name, each in shown.items():
        cv2.imwrite(str(folder / name), each.pixels[..., ::-1])
    manifest = Manifest(
        format=1,
        model="model.onnx",
        files={name: sha256(folder / name) for name in ("model.onnx", *shown)},
        inputs=(TensorSpec("window", "uint8", (1, "h", "w", 3)), TensorSpec("box", "float32", (1, 4))),
        outputs=(TensorSpec("rotation", "float32", (1, 3)), TensorSpec("debris_logit", "float32", (1, 1))),
        crop=CropSpec(input_px=32, windows=sizes),
        backbone={},
        head={},
        training={},
        calibration_scores=None,
        known_answers=tuple(KnownAnswer(name, tuple(map(float, each.region)), 0.0) for name, each in shown.items()),
        logit_tolerance=1e-4,
        versions={},
    )
    bundles.write_manifest(folder, manifest)
    engine = OrtEngine(bundles.read(folder))
    known = tuple(
        KnownAnswer(name, tuple(map(float, each.region)), float(engine.run(each)["debris_logit"][0, 0]))
        for name, each in shown.items()
    )
    bundles.write_manifest(folder, Manifest(**{**_fields(manifest), "known_answers": known}))
    return folder


def _fields(manifest: Manifest) -> dict:
    return {name: getattr(manifest, name) for name in manifest.__struct_fields__}


def _network(centred: bool) -> onnx.ModelProto:
    draw = np.random.default_rng(0)
    weights = {
        "kernels": draw.normal(0, 0.02, (4, 3, 3, 3)),
        "box_scale": np.array(0.01),
        "turn": draw.normal(0, 1, (8, 3)),
        "head": draw.normal(0, 1, (8, 1)),
    }
    nodes = [
        helper.make_node("Cast", ["window"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["image"], perm=[0, 3, 1, 2]),
        helper.make_node("Conv", ["image", "kernels"], ["map"], strides=[4, 4]),
        helper.make_node("Relu", ["map"], ["active"]),
        helper.make_node("GlobalAveragePool", ["active"], ["means"]),
        helper.make_node("Flatten", ["means"], ["seen"]),
        helper.make_node("Mul", ["box", "box_scale"], ["placed"]),
        helper.make_node("Concat", ["seen", "placed"], ["joined" if centred else "features"], axis=1),
        helper.make_node("MatMul", ["features", "turn"], ["rotation"]),
        helper.make_node("MatMul", ["features", "head"], ["debris_logit"]),
    ]
    if centred:
        weights["centre"] = draw.normal(0, 0.1, 8)
        nodes.insert(-2, helper.make_node("Sub", ["joined", "centre"], ["features"]))
    graph = helper.make_graph(
        nodes,
        "small",
        [
            helper.make_tensor_value_info("window", TensorProto.UINT8, [1, "h", "w", 3]),
            helper.make_tensor_value_info("box", TensorProto.FLOAT, [1, 4]),
        ],
        [
            helper.make_tensor_value_info("rotation", TensorProto.FLOAT, [1, 3]),
            helper.make_tensor_value_info("debris_logit", TensorProto.FLOAT, [1, 1]),
        ],
        [numpy_helper.from_array(array.astype(np.float32), name) for name, array in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    return model

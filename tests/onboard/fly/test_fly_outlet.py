"""A verdict that would be too large goes out without its largest outputs, and with its pose."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from onboard import bundle as bundles
from onboard.event import Events
from onboard.files import sha256
from onboard.fly.config import NodeConfig
from onboard.fly.loop import Loop
from onboard.fly.opening import parts_of
from onboard.fly.outlet import Outlet
from onboard.manifest import TensorSpec
from onboard.sources.ring_writer import RingWriter
from onboard.wire import verdict
from tests.onboard.fly.conftest import message, picture
from tests.onboard.telemetry.samples import VERDICT

MANY = 300_000  # "0.0," each: more than a verdict holds


class Kept:
    """The place of a verdict file."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self.dropped = 0

    def add(self, line: bytes) -> None:
        self.lines.append(line)


@pytest.mark.parametrize(
    ("thousands", "stays", "told"),
    [
        ({"pose": 0, "map": 300}, ["pose"], ["map"]),
        ({"map": 200, "pose": 0, "features": 150}, ["pose", "features"], ["map"]),
        ({"map": 400, "pose": 0, "features": 300}, ["pose"], ["map", "features"]),
        ({"map": 200, "pose": 0}, ["map", "pose"], None),
    ],
)
def test_the_largest_outputs_go_first_and_are_named(
    thousands: dict[str, int], stays: list[str], told: list[str] | None
) -> None:
    kept, events = Kept(), Events()
    outputs = {name: [0.0] * max(3, 1000 * count) for name, count in thousands.items()}
    Outlet(kept, None, events).send(msgspec.structs.replace(VERDICT, outputs=outputs))  # type: ignore[arg-type]
    (line,) = kept.lines
    assert len(line) + verdict.PREFIX_BYTES <= verdict.MOST_BYTES
    assert json.loads(line)["outputs"] == {name: outputs[name] for name in stays}
    found = events.take()
    assert [event.name for event in found] == ["outputs_too_large"] * (told is not None)
    for event in found:
        assert [name for name in outputs if f"{name} (" in event.detail] == told


@pytest.fixture
def wide(small: Path, tmp_path: Path) -> Path:
    """The small bundle with one more output, as wide as a backbone's whole map."""
    folder = Path(shutil.copytree(small, tmp_path / "wide"))
    model = onnx.load(folder / "model.onnx")
    model.graph.node.append(helper.make_node("Expand", ["debris_logit", "shape"], ["whole_map"]))
    model.graph.initializer.append(numpy_helper.from_array(np.int64([1, MANY]), "shape"))
    model.graph.output.append(helper.make_tensor_value_info("whole_map", TensorProto.FLOAT, [1, MANY]))
    onnx.save(model, folder / "model.onnx")
    manifest = bundles.read(small).manifest
    outputs = (*manifest.outputs, TensorSpec("whole_map", "float32", (1, MANY)))
    files = {**manifest.files, "model.onnx": sha256(folder / "model.onnx")}
    bundles.write_manifest(folder, msgspec.structs.replace(manifest, files=files, outputs=outputs))
    return folder


@pytest.mark.parametrize("names", [None, ["rotation"]])
def test_an_output_that_never_fits_is_named_at_the_start_and_takes_no_pose_with_it(
    configured: Callable[..., NodeConfig], wide: Path, tmp_path: Path, names: list[str] | None
) -> None:
    config = configured(bundle=str(wide), output__pose_outputs=names)
    with parts_of(config) as parts, RingWriter(tmp_path / "camera", 4, 96 * 96 * 3) as writer:
        loop = Loop(parts)
        loop.turn(0.0)
        assert parts.log.counts["outputs_too_large"] == (names is None)
        writer.write(*message(b"0123456789abcdef", 0, picture(0)))
        loop.turn(5.0)
    (told,) = map(json.loads, (tmp_path / "out" / "verdicts.jsonl").read_text().splitlines())
    assert (told["status"], list(told["outputs"])) == ("ANSWERED", ["rotation"])
    events = map(json.loads, (tmp_path / "out" / "events.jsonl").read_text().splitlines())
    named = [each["detail"][:20] for each in events if each["event"] == "outputs_too_large"]
    assert named == ["whole_map of 1 x 300"] * (names is None)

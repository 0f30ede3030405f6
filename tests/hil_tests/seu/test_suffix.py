"""What runs again behind a flipped tensor gives what the whole graph gives, to the last bit, wherever it is cut."""

from pathlib import Path

import numpy as np
import onnx
import pytest

from hil_tests.seu.graph import Graph
from hil_tests.seu.suffix import Suffix, session
from hil_tests.seu.words import flipped
from onboard import bundle as bundles
from tests.onboard.small_flight import window, write_bundle


def _whole(graph: Graph, tensor: str, values: np.ndarray, feed: dict, optimise: bool) -> list[bytes]:
    """All outputs of the uncut graph: with the flip in the model file, or, optimised, with the tensor as an input.

    As an initialiser it would be packed, and summed in another order.
    """
    if not optimise:
        return [out.tobytes() for out in session(graph.with_value(tensor, values), False).run(None, feed)]
    model = onnx.load_from_string(graph.model.SerializeToString())
    stored = next(each for each in model.graph.initializer if each.name == tensor)
    model.graph.initializer.remove(stored)
    model.graph.input.append(onnx.helper.make_tensor_value_info(tensor, stored.data_type, list(stored.dims)))
    return [out.tobytes() for out in session(model.SerializeToString(), True).run(None, {**feed, tensor: values})]


@pytest.mark.parametrize("optimise", [False, True])
def test_suffix_is_the_whole_graph(tmp_path: Path, optimise: bool) -> None:
    graph = Graph(bundles.read(write_bundle(tmp_path / "bundle")))
    targets = graph.targets()
    assert {target.tensor for target in targets} == {"kernels", "box_scale", "turn", "head"}
    names = [output.name for output in graph.model.graph.output]
    feeds = [{"window": shown.pixels[None], "box": shown.region[None]} for shown in (window(64, 3), window(128, 4))]
    moved = 0
    for target in targets:
        suffix, values = Suffix(graph, target.tensor, optimise), graph.array(target.tensor)
        for feed in feeds:
            boundary = suffix.cut(feed)
            healthy = suffix.run(boundary, values)
            for bit in (0, 12, 22, 23, 30, 31):
                with flipped(values, target.size // 2, bit, 1):
                    found = suffix.run(boundary, values)
                    whole = dict(zip(names, _whole(graph, target.tensor, values, feed, optimise), strict=True))
                assert {name: out.tobytes() for name, out in found.items()} == {n: whole[n] for n in suffix.outputs}
                moved += any(found[name].tobytes() != healthy[name].tobytes() for name in found)
    assert moved > 30  # of 48: most of these flips are seen, so the comparison could fail


def test_only_what_depends_on_the_tensor_runs_again(tmp_path: Path) -> None:
    graph = Graph(bundles.read(write_bundle(tmp_path / "bundle")))
    assert Suffix(graph, "head").boundary == ["features"]
    assert Suffix(graph, "head").outputs == ["debris_logit"]
    assert Suffix(graph, "kernels").boundary == ["image", "placed"]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.int8])
def test_flipped_bits_are_put_back(dtype: type) -> None:
    values = np.arange(6).astype(dtype).reshape(2, 3)
    before = values.tobytes()
    with flipped(values, 4, 6, 2):
        bits = np.frombuffer(before, np.uint8) ^ np.frombuffer(values.tobytes(), np.uint8)
        place = 4 * values.dtype.itemsize
        assert bits[place] == 0b11000000 and np.count_nonzero(bits) == 1
    assert values.tobytes() == before

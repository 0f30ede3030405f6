"""The clamps in the graph."""

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, helper, numpy_helper

from calibration.bounds.places import Place
from calibration.graph import flight
from onboard.bounds import Bound


def clamp(model: ModelProto, places: Sequence[Place], bounds: Mapping[str, Bound]) -> ModelProto:
    """A graph whose tensors stay within their bounds.

    A Relu becomes a Clip from 0, a Clip gets the tighter of both limits, elsewhere a Clip is added. A NaN passes a
    Clip in ONNX Runtime, and ends as a logit that the detector rejects.

    Args:
        model: not changed.
        places: as found in it.
        bounds: by tensor; a place whose tensor has none is left as it is.
    """
    made = onnx.ModelProto()
    made.CopyFrom(model)
    at = {place.tensor: place for place in places}
    nodes: list[NodeProto] = []
    for node in made.graph.node:
        nodes.append(node)
        place = at.get(node.output[0])
        if place is None or place.tensor not in bounds:
            continue
        tensor = place.tensor
        low, high = bounds[tensor].clamp
        source = node.input[0]
        if place.limiter is None:
            source = node.output[0] = f"{tensor}_unclamped"
        else:
            nodes.pop()
        names = [f"{tensor}_low", f"{tensor}_high"]
        made.graph.initializer.extend(
            numpy_helper.from_array(np.array(value, np.float32), name)
            for value, name in zip((low, high), names, strict=True)
        )
        nodes.append(helper.make_node("Clip", [source, *names], [tensor], name=f"{flight.label(node)}_clamp"))
    flight.replace_nodes(made, nodes)
    onnx.checker.check_model(made, full_check=True)
    return made

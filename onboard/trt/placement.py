"""Where TensorRT put the layers, as the engine inspector tells it."""

import json
from typing import Any

import msgspec


class Placement(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How many layers lie where.

    Attributes:
        gpu_layers: layers of the engine on the GPU (a fused group is one).
        dla_layers: on the DLA.
        types: layers by TensorRT's type.
        dla_fallbacks: names of the layers that were meant for the DLA and lie on the GPU; empty without DLA.
    """

    gpu_layers: int
    dla_layers: int
    types: dict[str, int]
    dla_fallbacks: tuple[str, ...] = ()


def read(trt: Any, engine: Any, on_dla: bool) -> Placement:
    """Ask a deserialised engine's inspector.

    Args:
        trt: the TensorRT module.
        engine: deserialised.
        on_dla: whether the layers were meant for the DLA.
    """
    inspector = engine.create_engine_inspector()
    return summarise(inspector.get_engine_information(trt.LayerInformationFormat.JSON), on_dla)


def summarise(text: str, on_dla: bool) -> Placement:
    """The inspector's JSON as a summary; a layer is an object in detailed engines, a bare name in others."""
    layers = [_named(entry) for entry in json.loads(text)["Layers"]]
    dla = [name for name, kind in layers if "DLA" in kind.upper()]
    gpu = [(name, kind) for name, kind in layers if "DLA" not in kind.upper()]
    types: dict[str, int] = {}
    for _, kind in layers:
        types[kind] = types.get(kind, 0) + 1
    # Copies between the two are TensorRT's own, no layer of the graph.
    fallbacks = tuple(name for name, kind in gpu if kind.lower() not in ("reformat", "noop")) if on_dla else ()
    return Placement(len(gpu), len(dla), dict(sorted(types.items())), fallbacks)


def _named(entry: Any) -> tuple[str, str]:
    if isinstance(entry, str):
        return entry, "unnamed"
    return str(entry.get("Name", "unnamed")), str(entry.get("LayerType", "unnamed"))

"""From the float graph to the int8 graph that holds the budget, and the facts about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from onnx import ModelProto
from onnxruntime import InferenceSession

from calibration import normal
from calibration.frames import LabelledFrame
from calibration.graph import flight, running
from calibration.graph.running import Feed
from calibration.int8 import quantise as quantising
from calibration.int8.decisions import Decisions, Logits
from calibration.int8.layers import candidates, named
from calibration.int8.quantise import Method, Ranges
from calibration.int8.search import search
from calibration.journal import Journal
from calibration.normal_data import NormalData
from onboard import provenance
from onboard.bundle import Bundle
from onboard.detector import LOGIT
from onboard.errors import InputError


@dataclass(frozen=True)
class Chosen:
    """The int8 graph.

    Attributes:
        graph: serialised.
        facts: for the manifest's `conversion`.
        before: the float graph's logits on the frames that were kept back.
        decisions: by false-alarm rate.
        feeds: those frames, as a graph takes them.
    """

    graph: bytes
    facts: dict[str, Any]
    before: Logits
    decisions: list[Decisions]
    feeds: list[Feed]


def choose(
    bundle: Bundle, ours: Sequence[tuple[str, LabelledFrame]], options: NormalData, method: Method, journal: Journal
) -> Chosen:
    """Quantise on the frames that were kept back, and leave as many layers in float as the alarm decisions take.

    Raises:
        InputError: no layer can be quantised, or the budget does not hold.
    """
    name = bundle.folder / bundle.manifest.model
    model = named(flight.load(bundle))
    able = candidates(model)
    if not able:
        raise InputError(f"{name}: has no layer behind a convolution that could be quantised")
    # Decoding them anew for each layer would take longer than the graph.
    feeds = [feed for _, feed in running.feeds(bundle, ours, options.grey, "quantising")]
    ranges = journal.once("ranges", Ranges, lambda: quantising.tensor_ranges(model, iter(feeds), method))

    def logits_with(nodes: Sequence[str]) -> Logits:
        def find() -> list[float]:
            made = quantising.quantise(model, nodes, ranges)
            return logits(running.session(made.SerializeToString(), f"{name} in int8"), feeds, name)

        return np.array(journal.once(f"int8: {' '.join(nodes)}", list[float], find), np.float32)

    def find() -> list[float]:
        return logits(running.session(model.SerializeToString(), name), feeds, name)

    before = np.array(journal.once("float32", list[float], find), np.float32)
    found = search(able, logits_with, before, name)
    made = quantising.quantise(model, found.nodes, ranges)
    facts = {
        "method": method,
        "quantised": found.nodes,
        "kept_in_float32": {node: found.sensitivity[node] for node in found.kept},
        "sensitivity": found.sensitivity,
        "frames": len(before),
        "data_sha256": normal.data_sha256(ours),
        "seed": options.seed,
        "kept_back": options.kept_back,
        "model_sha256": bundle.manifest.files[bundle.manifest.model],
        "logit_spread": float(np.std(before)),
        "logit_noise": float(np.std(found.logits - before)),
        "logit_change": float(np.abs(found.logits - before).max()),
        "output_changes": _changes(model, made, feeds, name),
        "decisions": [msgspec.to_builtins(one) for one in found.decisions],
        "onnxruntime": provenance.versions().get("onnxruntime", ""),
    }
    return Chosen(made.SerializeToString(), facts, before, found.decisions, feeds)


def logits(graph: InferenceSession, feeds: Iterable[Feed], name: object) -> list[float]:
    """The logit of each frame.

    Raises:
        InputError: one is not finite.
    """
    found = [float(graph.run([LOGIT], feed)[0].reshape(-1)[0]) for feed in feeds]
    if not np.isfinite(found).all():
        raise InputError(f"{name}: gives no finite logit on some normal frame; fly the float graph")
    return found


def _changes(one: ModelProto, other: ModelProto, feeds: Sequence[Feed], name: object) -> dict[str, dict[str, float]]:
    """By how much each output but the logit changes, in its own units."""
    graphs = [running.session(model.SerializeToString(), name) for model in (one, other)]
    values: list[list[Mapping[str, Any]]] = [[running.outputs(graph, feed) for feed in feeds] for graph in graphs]
    found = {}
    for output in values[0][0]:
        if output == LOGIT:
            continue
        wanted, given = (np.concatenate([v[output].reshape(-1).astype(np.float64) for v in each]) for each in values)
        moved, largest = np.abs(wanted - given), float(np.abs(wanted).max())
        found[output] = {"max_abs": float(moved.max()), "mean_abs": float(moved.mean()), "largest": largest}
    return found

"""python -m calibration int8: a bundle whose graph computes in int8, with normal scores of its own."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from onnx import ModelProto

from calibration import latency, normal, scoring
from calibration.frames import LabelledFrame
from calibration.graph import flight, running
from calibration.graph import write as writing
from calibration.graph.running import Feed
from calibration.int8 import quantise as quantising
from calibration.int8 import report
from calibration.int8.layers import candidates, named
from calibration.int8.quantise import Method
from calibration.int8.search import Found, search
from calibration.normal_data import NormalData, read_normals
from calibration.npy import npy
from calibration.score_cache import ScoreCache
from calibration.threshold import POOLED, threshold
from onboard import provenance
from onboard.bundle import Bundle
from onboard.detector import LOGIT, Detector
from onboard.errors import InputError
from onboard.manifest import KnownAnswer, Manifest

LEAST_FRAMES = 10
_ROUNDS = 40
_LEAST_TOLERANCE = 1e-4
Pairs = Sequence[tuple[str, LabelledFrame]]


def int8(folder: Path, options: NormalData, method: Method, out: Path) -> None:
    """Quantise on the frames that were kept back, hold the alarm decisions, and calibrate anew on the others.

    Args:
        folder: the float bundle; not changed.
        options: the normal data.
        method: of the activations' ranges.
        out: folder of the new bundle.

    Raises:
        InputError: the data are too few or cannot be used, the bundle is not float32, or the budget does not hold.
    """
    writing.refuse_existing(out)
    bundle = Detector.load(folder).bundle
    _refuse_precision(bundle)
    normals = read_normals(bundle, options)
    roles = {digest: normal.role(digest, options.seed, options.kept_back) for digest, _ in normals.frames}
    ours = [pair for pair in normals.frames if roles[pair[0]] == "select"]
    others = [pair for pair in normals.frames if roles[pair[0]] == "calibrate"]
    _refuse_too_few(options, len(ours), len(others))
    name = folder / bundle.manifest.model
    before, found, able, changes = _quantised(bundle, ours, options, method, name)
    facts = {
        "method": method,
        "quantised": [node for node in able if node not in found.kept],
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
        "output_changes": changes,
        "decisions": [msgspec.to_builtins(one) for one in found.decisions],
        "onnxruntime": provenance.versions().get("onnxruntime", ""),
    }
    data = found.model.SerializeToString()
    manifest = _manifest(bundle, data, facts, name)
    scores = _scores(bundle, data, others, options, name)
    manifest = msgspec.structs.replace(manifest, calibration_scores=POOLED)
    writing.write(bundle, out, manifest, data, {POOLED: npy(np.sort(scores))})
    print(report.layers(facts, normals.left_out))
    print(report.decisions(found.decisions))
    print(report.outputs(facts))
    try:
        _calibrate_again(bundle, out, options)
    except BaseException:  # Ctrl-C too: a bundle without the threshold that the old one had is not what was asked for
        shutil.rmtree(out)
        raise
    graphs = {"fp32": bundle.contents[bundle.manifest.model], "int8": data}
    times = latency.by_turns(graphs, latency.known_window(bundle), _ROUNDS)
    with ScoreCache(options.cache, bundle) as cache:
        old = scoring.score(Detector.load(folder), others, cache, options.grey)
    float_scores = np.array([one.score for one in old if one.score is not None], np.float32)
    sizes = {precision: len(graph) for precision, graph in graphs.items()}
    print(report.table(sizes, times, {"fp32": float_scores, "int8": scores}, _rate(bundle)))
    print(f"{out}: written; bundle {Detector.load(out).bundle.sha256}")


def _refuse_precision(bundle: Bundle) -> None:
    if bundle.manifest.precision != "fp32":
        raise InputError(
            f"{bundle.folder}: computes in {bundle.manifest.precision}; give the float32 bundle that it was made from"
        )


def _refuse_too_few(options: NormalData, count: int, others: int) -> None:
    if count < LEAST_FRAMES or others < LEAST_FRAMES:
        raise InputError(
            f"{options.data}: {count} normal frames are kept back for quantising, {others} are left to calibrate on, "
            f"and at least {LEAST_FRAMES} are needed of each; give more frames, or another --kept-back than "
            f"{options.kept_back:g}"
        )


def _quantised(
    bundle: Bundle, ours: Pairs, options: NormalData, method: Method, name: Path
) -> tuple[np.ndarray, Found, list[str], dict[str, dict[str, float]]]:
    """The float logits, what the search found, the nodes that could be quantised, and the other outputs' changes."""

    def feeds() -> Iterator[Feed]:
        return (feed for _, feed in running.feeds(bundle, ours, options.grey, "quantising"))

    model = named(flight.load(bundle))
    able = candidates(model)
    if not able:
        raise InputError(f"{name}: has no layer behind a convolution that could be quantised")
    kept = list(feeds())  # decoding them anew for each layer would take longer than the graph

    def logits_of(made: ModelProto) -> np.ndarray:
        graph = running.session(made.SerializeToString(), f"{name} in int8")
        return np.array([graph.run([LOGIT], feed)[0].reshape(-1)[0] for feed in kept])

    before = logits_of(model)
    ranges = quantising.tensor_ranges(model, iter(kept), method)
    found = search(able, lambda nodes: quantising.quantise(model, nodes, ranges), logits_of, before, name)
    both = [running.session(one.SerializeToString(), name) for one in (model, found.model)]
    return before, found, able, _changes([[running.outputs(graph, feed) for feed in kept] for graph in both])


def _changes(values: Sequence[Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """By how much each output but the logit changes, in its own units."""
    found = {}
    for name in values[0][0]:
        if name == LOGIT:
            continue
        wanted, given = (np.concatenate([one[name].reshape(-1).astype(np.float64) for one in each]) for each in values)
        moved, largest = np.abs(wanted - given), float(np.abs(wanted).max())
        found[name] = {"max_abs": float(moved.max()), "mean_abs": float(moved.mean()), "largest": largest}
    return found


def _manifest(bundle: Bundle, data: bytes, facts: dict[str, Any], name: Path) -> Manifest:
    """Known answers are the int8 graph's; another runtime may differ by what int8 itself moved the logits."""
    graph = running.session(data, f"{name} in int8")
    known = []
    for number, answer in enumerate(bundle.manifest.known_answers):
        logit = float(graph.run([LOGIT], latency.known_window(bundle, number))[0].reshape(-1)[0])
        known.append(KnownAnswer(answer.window, answer.region, logit))
    return msgspec.structs.replace(
        bundle.manifest,
        known_answers=tuple(known),
        logit_tolerance=max(_LEAST_TOLERANCE, facts["logit_change"]),
        precision="int8",
        conversion=facts,
        calibration=None,
    )


def _scores(bundle: Bundle, data: bytes, others: Pairs, options: NormalData, name: Path) -> np.ndarray:
    graph = running.session(data, f"{name} in int8")
    feeds = running.feeds(bundle, others, options.grey, "scoring int8")
    found = np.array([-graph.run([LOGIT], feed)[0].reshape(-1)[0] for _, feed in feeds], np.float32)
    if not len(found) or not np.isfinite(found).all():
        raise InputError(
            f"{options.data}: the int8 graph gives no finite logit on some frame that is left to calibrate on"
        )
    return found


def _rate(bundle: Bundle) -> float:
    frame = bundle.manifest.calibration.frame if bundle.manifest.calibration else None
    return 0.05 if frame is None else frame.false_alarm_rate


def _calibrate_again(bundle: Bundle, out: Path, options: NormalData) -> None:
    """The old thresholds are the float graph's: the frame's is made anew as it was, the track's is left out."""
    old = bundle.manifest.calibration
    if old is None:
        print(
            "the p-values rest on the int8 scores of the frames that were not kept back; run 'threshold' for a promise"
        )
        return
    if old.frame is not None:
        threshold(out, options, old.frame.false_alarm_rate, old.frame.confidence, len(old.frame.groups) > 1)
    if old.track is not None:
        print("the track threshold was left out, for it rests on float scores: run 'tracks' again")

"""python -m calibration int8: a bundle whose graph computes in int8, with normal scores of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from calibration import frames as reading
from calibration import latency, normal, results, scoring
from calibration.frames import SIDECAR, LabelledFrame
from calibration.graph import running
from calibration.graph import write as writing
from calibration.int8 import half as halves
from calibration.int8 import precisions, report
from calibration.int8.choose import Chosen, choose, logits
from calibration.int8.decisions import compare
from calibration.int8.precisions import Precision
from calibration.int8.quantise import Method
from calibration.journal import Journal
from calibration.normal_data import NormalData, depends_on, read_normals
from calibration.npy import npy
from calibration.threshold import POOLED, calibrate
from onboard.bundle import Bundle
from onboard.detector import LOGIT, Detector
from onboard.errors import InputError
from onboard.manifest import KnownAnswer, Manifest
from onboard.normal_scores import DEFAULT_RATE

LEAST_FRAMES = 10
_ROUNDS = 40
_LEAST_TOLERANCE = 1e-4
Pairs = Sequence[tuple[str, LabelledFrame]]


@dataclass(frozen=True)
class Int8Options:
    """What is asked of the conversion.

    Attributes:
        method: of the activations' ranges.
        half: the float16 bundle of the same head, for the table; None: none.
        debris: folder with debris to report the AUROC against; None: none.
    """

    method: Method
    half: Path | None
    debris: Path | None


def int8(folder: Path, options: NormalData, asked: Int8Options, out: Path) -> None:
    """Quantise on the frames that were kept back, hold the alarm decisions, and calibrate anew on the others.

    Args:
        folder: the float bundle; not changed.
        options: the normal data.
        asked: method, and what the table is to hold.
        out: folder of the new bundle.

    Raises:
        InputError: the data are too few or cannot be used, the bundle is not float32, or the budget does not hold.
    """
    writing.refuse_existing(out)
    bundle = Detector.load(folder).bundle
    _refuse_precision(bundle)
    normal.refuse_other_draw(bundle, options.seed, options.kept_back)
    half = None if asked.half is None else halves.read(asked.half, bundle)
    normals = read_normals(bundle, options)
    roles = {digest: normal.role(digest, options.seed, options.kept_back) for digest, _ in normals.frames}
    ours = [pair for pair in normals.frames if roles[pair[0]] == "select"]
    others = [pair for pair in normals.frames if roles[pair[0]] == "calibrate"]
    _refuse_too_few(options, len(ours), len(others))
    debris = None if asked.debris is None else _debris(asked.debris, bundle, options)
    settings = {"method": asked.method, "half": None if half is None else half.sha256}
    depends = depends_on(bundle, [*normals.frames, *(debris or [])], options, settings)
    with Journal(options.cache / "int8.jsonl", depends) as journal:
        chosen = choose(bundle, ours, options, asked.method, journal)
        graphs = {"fp32": bundle.contents[bundle.manifest.model]}
        if half is not None:
            graphs["fp16"] = half.contents[half.manifest.model]
        graphs["int8"] = chosen.graph
        rows = _rows(journal, bundle, graphs, chosen, others, debris, options)
        rate = _rate(bundle)
        found = [row.facts(rate, rows[0].times) for row in rows]
        results.write(
            options.cache / results.INT8, bundle, {"out": out.name, "rate": rate, **chosen.facts, "precisions": found}
        )
        manifest = _manifest(bundle, chosen)
        told: list[str] = []

        def again(new: Path) -> None:
            told.append(_calibrated_again(bundle, new, options))

        added = {POOLED: npy(np.sort(rows[-1].scores))}
        written = writing.write(bundle, out, manifest, chosen.graph, added, again)
    print(report.layers(chosen.facts, normals.left_out))
    print(report.decisions(chosen.decisions))
    print(report.outputs(chosen.facts))
    print("\n".join(told))
    print(report.table(rows, rate))
    print(f"report: {options.cache / results.INT8}\n{out}: written; bundle {written.sha256}")


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


def _debris(folder: Path, bundle: Bundle, options: NormalData) -> Pairs:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder of debris to report on (--report)")
    part = None if (folder / SIDECAR).is_file() else options.part
    names = normal.debris_classes(bundle, options.debris)
    found = [one for one in reading.read(folder, part) if normal.is_debris(one.label, names)]
    if not found:
        raise InputError(f"{folder}: no frame is labelled {', '.join(names)}")
    return scoring.hashed(found)


def _rows(
    journal: Journal,
    bundle: Bundle,
    graphs: dict[str, bytes],
    chosen: Chosen,
    others: Pairs,
    debris: Pairs | None,
    options: NormalData,
) -> list[Precision]:
    def scored(kind: str, pairs: Pairs) -> dict[str, np.ndarray]:
        return {
            name: precisions.scores(journal, f"{name}, {kind}", graph, bundle, pairs, options, like=others[0][1])
            for name, graph in graphs.items()
        }

    scores, of_debris = scored("normal", others), scored("debris", debris) if debris else {}
    changed = {"int8": chosen.decisions}
    if "fp16" in graphs:
        half, name = graphs["fp16"], "the float16 graph"
        after = journal.once(name, list[float], lambda: logits(running.session(half, name), chosen.feeds, name))
        changed["fp16"] = compare(chosen.before, np.array(after, np.float32))
    times = latency.by_turns(graphs, latency.known_window(bundle), _ROUNDS)
    return [
        Precision(name, len(graphs[name]), scores[name], of_debris.get(name), changed.get(name), times[name])
        for name in graphs
    ]


def _manifest(bundle: Bundle, chosen: Chosen) -> Manifest:
    """Known answers are the int8 graph's; another runtime may differ by what int8 itself moved the logits."""
    graph = running.session(chosen.graph, f"{bundle.folder / bundle.manifest.model} in int8")
    known = []
    for number, answer in enumerate(bundle.manifest.known_answers):
        logit = float(graph.run([LOGIT], latency.known_window(bundle, number))[0].reshape(-1)[0])
        known.append(KnownAnswer(answer.window, answer.region, logit))
    return msgspec.structs.replace(
        bundle.manifest,
        known_answers=tuple(known),
        logit_tolerance=max(_LEAST_TOLERANCE, chosen.facts["logit_change"]),
        precision="int8",
        conversion=chosen.facts,
        calibration=None,
        calibration_scores=POOLED,
    )


def _rate(bundle: Bundle) -> float:
    frame = bundle.manifest.calibration.frame if bundle.manifest.calibration else None
    return DEFAULT_RATE if frame is None else frame.false_alarm_rate


def _calibrated_again(bundle: Bundle, new: Path, options: NormalData) -> str:
    """The old thresholds are the float graph's: the frame's is made anew as it was, the track's is left out."""
    old = bundle.manifest.calibration
    if old is None:
        return (
            "the p-values rest on the int8 scores of the frames that were not kept back; run 'threshold' for a promise"
        )
    told = []
    if old.frame is not None:
        frame = old.frame
        told.append(calibrate(new, options, frame.false_alarm_rate, frame.confidence, len(frame.groups) > 1)[1])
    if old.track is not None:
        told.append("the track threshold was left out, for it rests on float scores: run 'tracks' again")
    return "\n".join(told)

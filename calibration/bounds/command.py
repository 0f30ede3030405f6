"""python -m calibration bounds: from normal frames to a bundle whose activations stay within their range."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from calibration import in_force, latency, normal, results
from calibration.bounds import over_frames
from calibration.bounds import places as placing
from calibration.bounds.clamp import clamp
from calibration.bounds.places import Place
from calibration.frames import LabelledFrame
from calibration.graph import flight
from calibration.graph import write as writing
from calibration.graph.ranges import Range
from calibration.journal import Journal
from calibration.normal_data import NormalData, depends_on, read_normals
from onboard import image_hashes
from onboard.bounds import ActivationBounds, Bound
from onboard.bundle import Bundle
from onboard.calibration import Calibration
from onboard.detector import Detector
from onboard.errors import InputError

LEAST_FRAMES = 10
_VECTOR = 2  # dimensions
_ROUNDS = 40


@dataclass(frozen=True)
class Margins:
    """By how much a range is widened at each end, as a share of its width: of maps, and of vectors."""

    maps: float
    vectors: float


def bounds(folder: Path, options: NormalData, margins: Margins, out: Path) -> None:
    """Measure ranges on the frames that were kept back, write a bundle with clamps, and compare it on all frames.

    Args:
        folder: the bundle; not changed.
        options: the normal data.
        margins: of the ranges.
        out: folder of the new bundle.

    Raises:
        InputError: the data are too few or cannot be used, the graph has clamps already or computes in int8, or the
            new one gives another output.
    """
    writing.refuse_existing(out)
    bundle = Detector.load(folder).bundle
    _refuse_graph(bundle)
    normals = read_normals(bundle, options)
    ours = [p for p in normals.frames if normal.role(p[0], options.seed, options.kept_back) == "select"]
    _refuse_too_few(options, len(ours), len(normals.frames))
    _refuse_calibrated(bundle, options, ours)
    model, name = flight.load(bundle), folder / bundle.manifest.model
    found = placing.find(model)
    if not found:
        raise InputError(f"{name}: has no convolution, so nothing tells where the crop ends; no clamp is placed")
    settings = {"margin": margins.maps, "vector_margin": margins.vectors}
    with Journal(options.cache / "bounds.jsonl", depends_on(bundle, normals.frames, options, settings)) as journal:
        seen, measured = over_frames.measured(journal, bundle, ours, options, found, name)
        _refuse_too_few(options, len(seen), len(normals.frames))
        made = _bounds(found, measured, margins)
        data = clamp(model, found, made).SerializeToString()
        same = over_frames.compared(journal, bundle, data, normals.frames, options, name)
        facts = ActivationBounds(
            margin=margins.maps,
            vector_margin=margins.vectors,
            frames=len(seen),
            data_sha256=normal.data_sha256(p for p in ours if p[0] in set(seen)),
            same_outputs=len(same),
            seed=options.seed,
            kept_back=options.kept_back,
            model_sha256=bundle.manifest.files[bundle.manifest.model],
            bounds=made,
            unclamped=tuple(place.layer for place in found if place.tensor not in made),
        )
        calibration, told = _calibration(bundle, same, hashlib.sha256(data).hexdigest())
        graphs = {"without": bundle.contents[bundle.manifest.model], "with": data}
        times = latency.by_turns(graphs, latency.known_window(bundle), _ROUNDS)
        cost = latency.ratio(times["with"], times["without"])
        results.write(
            options.cache / results.BOUNDS, bundle, {"out": out.name, "cost": cost, **msgspec.to_builtins(facts)}
        )
        manifest = msgspec.structs.replace(bundle.manifest, bounds=facts, calibration=calibration)
        written = writing.write(bundle, out, manifest, data)
    left = normals.left_out + Counter({"without a window": len(ours) - len(seen)})
    print(_text(facts, left))
    print(
        f"latency with clamps / without: {cost[0]:.3f} (5 to 95 % of {_ROUNDS} rounds: {cost[1]:.2f} to {cost[2]:.2f})"
    )
    print("\n".join(told))
    print(f"report: {options.cache / results.BOUNDS}\n{out}: written; bundle {written.sha256}")


def _refuse_graph(bundle: Bundle) -> None:
    if bundle.manifest.bounds is not None:
        raise InputError(f"{bundle.folder}: has range clamps already; give the bundle that it was made from")
    if bundle.manifest.precision == "int8":
        raise InputError(
            f"{bundle.folder}: computes in int8, whose quantisers limit their tensors already; run 'python -m "
            "calibration bounds' on the float bundle, and 'int8' on what it writes"
        )
    if bundle.manifest.precision == "fp16":
        raise InputError(
            f"{bundle.folder}: computes in float16, where ONNX Runtime rounds at other places once there are clamps, "
            "so that nothing shows that they change no output; give a float32 bundle"
        )


def _refuse_too_few(options: NormalData, count: int, total: int) -> None:
    if count < LEAST_FRAMES:
        raise InputError(
            f"{options.data}: {count} of {total} normal frames are kept back for this, at least {LEAST_FRAMES} are "
            f"needed; give more frames, or a larger --kept-back than {options.kept_back:g}"
        )


def _refuse_calibrated(bundle: Bundle, options: NormalData, ours: Sequence[tuple[str, LabelledFrame]]) -> None:
    """No frame has two uses: those that the ranges come from, and those that the threshold rests on."""
    used = in_force.fresh(bundle, [digest for digest, _ in ours]).count(False)
    if used:
        raise InputError(
            f"{options.data}: the frame threshold was calibrated on {used} of the {len(ours)} frames that --seed "
            f"{options.seed} --kept-back {options.kept_back:g} keep back for the ranges; give the seed and share of "
            "the calibration, and where it kept none back, run 'threshold' again with a share"
        )


def _bounds(found: Sequence[Place], measured: Mapping[str, Range], margins: Margins) -> dict[str, Bound]:
    made = {}
    for place in found:
        seen = measured[place.tensor]
        is_vector = seen.rank <= _VECTOR and not place.is_pool
        bottom, top = min(seen.low, 0.0), max(seen.high, 0.0)
        wider = (margins.vectors if is_vector else margins.maps) * (top - bottom)
        if top > bottom and (is_vector or not place.is_sum):  # else only zeros were seen, or the sum would cost time
            low, high = max(bottom - wider, place.limits[0]), min(top + wider, place.limits[1])
            made[place.tensor] = Bound(place.layer, place.limiter, (seen.low, seen.high), (low, high))
    return made


def _calibration(bundle: Bundle, same: Sequence[str], model_sha256: str) -> tuple[Calibration | None, list[str]]:
    """The old thresholds hold where each of their frames was seen to score the same."""
    old = bundle.manifest.calibration
    if old is None:
        return None, ["the p-values rest on the export's normal scores, as before"]
    told, frame = [], old.frame
    if frame is not None:
        wanted = image_hashes.unpack(bundle.contents[frame.images], frame.images)
        missing = set(wanted) - {image_hashes.prefix(digest) for digest in same}
        if missing:
            raise InputError(
                f"{bundle.folder}: {len(missing)} of the {len(wanted)} frames that its threshold was calibrated on are "
                "not in the data, so that they score the same is not known; give the same data, or the bundle as it "
                "was before the calibration"
            )
        told.append(f"the frame threshold holds: each of its {len(wanted)} frames scores the same to the last bit")
    if old.track is not None:
        told.append("the track threshold was left out, for its frames were not compared: run 'tracks' again")
    return msgspec.structs.replace(old, model_sha256=model_sha256, track=None), told


def _text(facts: ActivationBounds, left_out: Counter[str]) -> str:
    left = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count) or "none"
    kinds = Counter(bound.instead_of for bound in facts.bounds.values())
    return "\n".join(
        [
            f"{facts.frames} normal frames, kept back for this; left out: {left}",
            f"{len(facts.bounds)} clamps: {kinds['Clip']} Clip tightened, {kinds['Relu']} Relu replaced, "
            f"{kinds[None]} added; the range and {facts.margin:g} of its width at each end "
            f"({facts.vector_margin:g} for vectors)",
            f"{len(facts.unclamped)} sums of maps left, for a clamp would take them out of their convolution",
            f"same outputs to the last bit on {facts.same_outputs} normal frames",
        ]
    )

import dataclasses
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import onnx
import pytest
from onnx import numpy_helper

from calibration import normal, results
from onboard import bundle as bundles
from onboard import files, image
from onboard.detector import Detector
from onboard.messages import Answer
from onboard.runtime_ort import OrtEngine
from tests.calibration.killed import killed_after
from tests.onboard.small_flight import write_bundle

Call = Callable[..., tuple[int, str]]
BOX = (20.0, 20.0, 120.0, 120.0)


def limit(call: Call, bundle: Path, data: Path, *more: object) -> tuple[int, str]:
    wide = ("--margin", 20) if bundle.name == "small" else ()  # its known answer is noise, no satellite
    return call("bounds", bundle, data, "--part", "val", "--ignore-debris", "--kept-back", 0.7, *wide, *more)


class Unchecked(OrtEngine):
    """Knows every answer: what a graph does whose weights were hit after the last check."""

    def tolerance(self, logit: float) -> float:
        return float("inf")


def hit(whole: Detector, weight: str, value: float, frame: np.ndarray) -> Answer:
    """A detector's answer with another value in one of its weights; a NaN passes only the detector's own check."""
    model = onnx.load_from_string(whole.bundle.contents["model.onnx"])
    (tensor,) = (t for t in model.graph.initializer if t.name == weight)
    values = numpy_helper.to_array(tensor).copy()
    values.reshape(-1)[0] = value
    tensor.CopyFrom(numpy_helper.from_array(values, weight))
    contents = {**whole.bundle.contents, "model.onnx": model.SerializeToString()}
    detector = Detector.__new__(Detector)
    detector.__dict__.update(whole.__dict__)
    detector.engine = Unchecked(dataclasses.replace(whole.bundle, contents=contents))
    return detector(frame, BOX)


def test_outputs_stay_and_huge_weights_are_contained(call: Call, bundle: Path, drawn: Any, tmp_path: Path) -> None:
    out = tmp_path / "bounded"
    code, said = limit(call, bundle, drawn.root, "--out", out)
    assert code == 0 and "same outputs to the last bit on 18 normal frames" in said, said
    before, after = Detector.load(bundle), Detector.load(out)
    facts = after.bundle.manifest.bounds
    assert facts is not None and facts.model_sha256 == before.bundle.manifest.files["model.onnx"]
    frames = [image.read(path) for path in sorted((drawn.root / "val").glob("*.png"))[:18]]
    assert [after(f, BOX).logit for f in frames[:3]] == [before(f, BOX).logit for f in frames[:3]]

    graph = onnx.load_from_string(after.bundle.contents["model.onnx"]).graph
    assert not [node.name for node in graph.node if node.name.startswith("/crop") and "clamp" in node.name]
    # Behind the others stands a ReLU6 in the network itself.
    linear = {bound.layer for bound in facts.bounds.values() if bound.instead_of is None}
    convolutions = [node.input[1] for node in graph.node if node.op_type == "Conv" and node.name in linear]
    moved: dict[str, list[float]] = {"before": [], "after": []}
    for weight in convolutions[::2]:
        for detector, found in zip((before, after), moved.values(), strict=True):
            answer = hit(detector, weight, 1e38, frames[0])
            found.append(abs(answer.logit) if answer.logit is not None else np.inf)
    assert all(np.isfinite(moved["after"])) and max(moved["after"]) < 1e6, moved
    assert max(moved["before"]) > 1e12, moved  # so the clamps are what holds it
    # ONNX Runtime lets a NaN pass every clamp: it must not end as a verdict.
    for weight in convolutions[::3]:
        answer = hit(after, weight, float("nan"), frames[0])
        assert answer.reason == "logit_not_finite" or np.isfinite(answer.logit or np.nan)


def test_a_threshold_stays_only_where_its_frames_were_compared(call: Call, drawn: Any, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "small", (256,))
    options = ("--part", "val", "--ignore-debris", "--false-alarm-rate", 0.2)
    out = tmp_path / "bounded"
    assert call("threshold", bundle, drawn.root, *options, "--kept-back", 0.3)[0] == 0
    code, said = limit(call, bundle, drawn.root, "--out", out)
    assert code == 2 and "frames that --seed 0 --kept-back 0.7 keep back for the ranges" in said
    assert call("threshold", bundle, drawn.root, *options, "--kept-back", 0.7)[0] == 0
    code, said = limit(call, bundle, drawn.root, "--out", out)
    assert code == 0 and "the frame threshold holds" in said
    old, new = (bundles.read(folder).manifest.calibration for folder in (bundle, out))
    assert old is not None and new is not None and old.frame == new.frame
    # Killed behind the ranges, and started again: the same bundle.
    first = bundles.read(out).sha256
    shutil.rmtree(out)
    same = ("--part", "val", "--ignore-debris", "--kept-back", 0.7, "--margin", 20, "--out", out)
    killed_after(1, "bounds", bundle, drawn.root, *same)
    assert not out.exists()
    code, said = limit(call, bundle, drawn.root, "--out", out)
    assert code == 0 and "goes on where it was stopped, 1 steps were done" in said
    assert bundles.read(out).sha256 == first
    fewer = tmp_path / "fewer"
    shutil.copytree(drawn.root, fewer)
    satellites = sorted(fewer.glob("val/*.png"))[:18]
    path = next(p for p in satellites if normal.role(files.sha256(p), 0, 0.7) == "calibrate")
    rows = (fewer / "val.csv").read_text().splitlines()
    (fewer / "val.csv").write_text("\n".join(row for row in rows if path.name not in row) + "\n")
    code, said = limit(call, bundle, fewer, "--out", tmp_path / "again")
    assert code == 2 and "was calibrated on are not in the data" in said
    assert not (tmp_path / "again").exists()


def test_killed_behind_the_bundle(call: Call, drawn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bundle, out = write_bundle(tmp_path / "small", (256,)), tmp_path / "bounded"
    manifest = bundles.read(bundle).manifest
    training = {**manifest.training, "samples": {"fit": {"a": 5}}}
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, training=training))
    told = tmp_path / "small_calibration" / "bounds.json"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(results, "write", killed)
        assert limit(call, bundle, drawn.root, "--out", out)[0] == 130
    first = bundles.read(out).sha256
    assert not told.exists()
    code, said = limit(call, bundle, drawn.root, "--out", out)
    assert code == 0 and "of classes that the head was not fitted on: b (" in said, said
    assert bundles.read(out).sha256 == first and told.is_file()
    # Now it is done, and another run would overwrite.
    assert "exists already" in limit(call, bundle, drawn.root, "--out", out)[1]


def test_refusals_leave_nothing_behind(call: Call, drawn: Any, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "small", (256,))
    out = tmp_path / "bounded"

    def refused(*more: object, folder: Path = bundle) -> str:
        code, said = limit(call, folder, drawn.root, "--out", out, *more)
        assert code == 2 and said.startswith("error:") and said.count("\n") == 1, said
        return said

    assert "at least 10 are needed" in refused("--kept-back", 0.2)
    # A range of eleven frames without a margin does not hold the others.
    assert "larger --margin" in refused("--margin", 0, "--vector-margin", 0)
    assert "no such bundle" in refused(folder=tmp_path / "nothing")
    assert not out.exists() and not list(tmp_path.glob(".*"))
    assert limit(call, bundle, drawn.root, "--out", out)[0] == 0
    assert "exists already" in refused()
    code, said = limit(call, out, drawn.root, "--out", tmp_path / "twice")
    assert code == 2 and "has range clamps already" in said
    manifest = bundles.read(bundle).manifest
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, precision="int8"))
    code, said = limit(call, bundle, drawn.root, "--out", tmp_path / "twice")
    assert code == 2 and "computes in int8" in said
    bundles.write_manifest(bundle, msgspec.structs.replace(manifest, precision="fp16"))
    code, said = limit(call, bundle, drawn.root, "--out", tmp_path / "twice")
    assert code == 2 and "computes in float16" in said

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import pytest

from calibration import drift
from onboard import bundle as bundles

Call = Callable[..., tuple[int, str]]


def test_a_validation_is_a_table_a_plot_and_figures(
    call: Call, bundle: Path, drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "_RUNS", 20)  # its figures have tests of their own
    before = bundles.read(bundle).sha256
    options = ("validate", bundle, drawn.root, "--skip-fitted", "--ignore-debris", "--splits", 20)
    code, said = call(*options)
    assert code == 0 and "33 normal frames, 20 splits into 16 and 17; left out: 12 debris, 33 fitted" in said
    out = bundle.with_name(f"{bundle.name}_calibration")
    found = json.loads((out / "validate.json").read_text())
    assert len(found["over_splits"]) == 7
    assert [point["alpha"] for point in found["over_splits"]["raw"]] == [0.1, 0.2, 0.3, 0.5]
    assert found["in_force"] == {} and "has no threshold yet" in said
    assert cv2.imread(str(out / "coverage.png")) is not None
    assert bundles.read(bundle).sha256 == before
    monkeypatch.setattr("calibration.plot.coverage", lambda *_: None)  # looked at once, above
    # Again, from the cache: the same to the byte.
    text = (out / "validate.json").read_bytes()
    assert call(*options)[0] == 0 and (out / "validate.json").read_bytes() == text

    # The bundle gets a threshold, which is not tested on what it was made from.
    data = (drawn.root, "--part", "val", "--ignore-debris", "--kept-back", 0)
    assert call("threshold", bundle, *data, "--false-alarm-rate", 0.1)[0] == 0
    assert call(*options)[0] == 0
    found = json.loads((bundle.with_name(f"{bundle.name}_calibration") / "validate.json").read_text())
    # Those of train that were held out of the fit; the 18 of val made the threshold.
    assert [one["frames"] for one in found["in_force"]["raw"]] == [15]


def test_too_few_frames(call: Call, bundle: Path, drawn: Any) -> None:
    code, said = call("validate", bundle, drawn.root, "--part", "val", "--ignore-debris")
    assert code == 2 and "18 normal frames" in said and "at least 20" in said

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from calibration import drift
from calibration.report import found
from onboard import bundle as bundles
from tests.onboard.small_flight import write_bundle

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def small(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "small", (256,))


def commands(page: str) -> set[str]:
    """Those that the page says were not run."""
    return set(re.findall(r"python -m calibration (\w+)", page))


def test_it_says_what_was_not_run_and_shows_what_was(
    call: Call, small: Path, drawn: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "_RUNS", 20)  # its figures have tests of their own
    path = tmp_path / "small_calibration" / "report.html"
    assert call("report", small) == (0, f"report: {path}\n")
    assert commands(path.read_text()) == {"threshold", "tracks", "validate", "int8", "bounds"}

    data = (small, drawn.root, "--ignore-debris")
    assert call("threshold", *data, "--kept-back", 0.4, "--false-alarm-rate", 0.1)[0] == 0
    assert call("validate", *data, "--splits", 20)[0] == 0
    assert call("bounds", *data, "--kept-back", 0.4, "--margin", 20)[0] == 0
    assert call("int8", *data, "--kept-back", 0.4, "--report", drawn.root)[0] == 0
    assert call("report", small)[0] == 0
    page = path.read_text()
    assert commands(page) == {"tracks", "int8"}, "no float16 was given"
    assert "with probability at most 0.1" in page and "drift" in page.casefold()
    assert "conv" in page and "same to the last bit" in page and "AUROC" in page
    assert page.count("<img ") == 7 + 7 + 2 + 1 + 1
    assert not re.search(r"(src|href)=\"(?!data:|#)", page) and "<script" not in page
    # Another calibration is told of, another graph's results are not shown.
    assert call("threshold", *data, "--kept-back", 0.4, "--false-alarm-rate", 0.2)[0] == 0
    assert found.read(small, path.parent).notes == ["validate.json was made before the bundle's last calibration."]
    other = tmp_path / "other.html"
    options = ("--cache", path.parent, "--out", other)
    assert call("report", tmp_path / "small_int8", *options)[0] == 0
    assert "validate.json was made with another graph" in other.read_text()
    assert "Sensitivity of layers" in other.read_text(), "the bundle itself tells"
    pages = []
    for _ in range(2):
        assert call("report", tmp_path / "small_bounded", "--out", other)[0] == 0
        pages.append(other.read_text())
    assert "This bundle&#x27;s graph has" in pages[0] and pages[0] == pages[1], "the same results, the same bytes"


def test_what_it_refuses(call: Call, small: Path, tmp_path: Path) -> None:
    def refused(*arguments: object) -> str:
        code, said = call("report", *arguments)
        assert code == 2 and said.startswith("error:") and said.count("\n") == 1, said
        return said

    assert "no such bundle folder" in refused(tmp_path / "nothing")
    assert "ends in .html" in refused(small, "--out", tmp_path / "small_calibration" / "validate.json")
    results = tmp_path / "small_calibration"
    results.mkdir()
    (results / "validate.json").write_text("{half")
    assert "run the command that wrote it again" in refused(small)
    (results / "validate.json").write_text("[1]")
    assert "holds no results" in refused(small)
    model = bundles.read(small).manifest.files["model.onnx"]
    (results / "validate.json").write_text(f'{{"model_sha256": "{model}"}}')
    assert "damaged or of another version (KeyError('over_splits'))" in refused(small)

"""The report: one file that needs nothing else, with the figures of the run, and what it says of unusable folders."""

import csv
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from train import metrics
from train.__main__ import main
from train.report.roc import curve

HOSTILE = "<script>alert('x')</script>&\"sat"


@pytest.fixture
def run(fitted: Path, tmp_path: Path) -> Path:
    """A copy of the small evaluated run that a test may spoil."""
    return Path(shutil.copytree(fitted, tmp_path / "drawn"))


@pytest.fixture
def bench(fitted: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "bench"
    folder.mkdir()
    shutil.copy(fitted / "roc.png", folder / "heads.png")
    rows = [["plume", 98.4, "98.2 to 98.5", None], [HOSTILE, 91.25, "90 to 92", 0.012]]
    table = {"title": "Heads & more", "caption": "On <drawn> images.", "columns": ["head", "AUROC", "range", "s"]}
    write_json(folder / "tables.json", [{**table, "rows": rows, "plots": ["heads.png"]}])
    return folder


def write_json(path: Path, content: Any) -> None:
    path.write_bytes(msgspec.json.encode(content))


def report(*folders: Path) -> str:
    assert main(["report", *map(str, folders)]) == 0
    return (folders[0] / "report.html").read_text(encoding="utf-8")


def refused(capsys: pytest.CaptureFixture[str], folder: Path, *parts: str, out: str | None = None) -> None:
    assert main(["report", str(folder), *(["--out", out] if out else [])]) == 2
    printed = capsys.readouterr().err
    assert printed.startswith("error: ") and "Traceback" not in printed
    for part in parts:
        assert part in printed
    assert not list(folder.glob("*.html")) and not list(folder.glob(".*.part*")), "nothing is left half-written"


class Elements(HTMLParser):
    """All elements of a page, the text in them, and what is left open."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_whole_and_asks_for_nothing_else(run: Path, bench: Path) -> None:
    page = report(run, bench)
    elements = Elements(page)
    assert not elements.open, "every element is closed"
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in elements.found}
    for _, attributes in elements.found:
        assert (attributes.get("src") or "data:").startswith("data:")
        assert (attributes.get("href") or "#").startswith("#")
        assert not any(name.startswith("on") for name in attributes)
    assert "http://" not in page and "https://" not in page and "url(" not in page
    assert sum(tag == "img" for tag, _ in elements.found) == 2, "the sheet of mistakes, and the benchmark's plot"
    targets = {attributes["href"] for tag, attributes in elements.found if tag == "a"}
    assert targets == {f"#{attributes['id']}" for _, attributes in elements.found if "id" in attributes}
    assert report(run, bench) == page


def test_the_figures_are_those_of_the_metrics(run: Path) -> None:
    result = msgspec.json.decode((run / "metrics.json").read_bytes())
    # The small run tells all apart; figures that differ show which one stands where.
    result["last_epoch"] = {
        "auroc": 0.911, "auroc_95": [0.822, 0.933], "aupr": 0.744, "fpr_at_95_tpr": 0.355, "tpr_at_5_fpr": 0.666,
    }  # fmt: skip
    result["labelled_best_epoch"] |= {"auroc": 0.977, "epoch": 2}
    for i, group in enumerate(result["by_normal_class"].values()):
        group["auroc"] = 0.51 + 0.1 * i
    write_json(run / "metrics.json", result)
    text = Elements(report(run)).text
    last, best = result["last_epoch"], result["labelled_best_epoch"]
    low, high = (100 * value for value in last["auroc_95"])
    assert f"{100 * last['auroc']:.1f}AUROC, last epoch95 % interval {low:.1f} to {high:.1f}" in text
    assert f"{100 * last['aupr']:.1f}AUPR" in text
    assert f"{100 * last['tpr_at_5_fpr']:.1f} %debris found" in text
    assert f"{100 * last['fpr_at_95_tpr']:.1f} %false alarms" in text
    labelled = text[text.index("CHOSEN BY TEST LABELS") :]
    assert f"AUROC {100 * best['auroc']:.1f} " in labelled and f"epoch {best['epoch']} of 4" in labelled
    for name, group in result["by_normal_class"].items():
        assert f"{name}{group['samples']}{100 * group['auroc']:.1f}" in text
    assert result["provenance"]["split_sha256"] in text and "preset: ours" in text


def test_the_rates_agree_with_the_metrics() -> None:
    draw = np.random.default_rng(0)
    truth = np.repeat([False, True], [90, 40])
    scores = draw.normal(0, 1, 130) + truth
    drawn, found = curve(truth, scores), metrics.measure(truth, scores)
    assert drawn and found
    rate, threshold = drawn.at(0.05)
    assert rate == found.tpr_at_5_fpr == np.mean(scores[truth] >= threshold)


def test_a_threshold_that_finds_nothing_is_a_number_above_all_scores() -> None:
    truth, scores = np.array([False] * 9 + [True]), np.array([*range(5, 14), 1.0])
    drawn = curve(truth, scores)
    assert drawn is not None
    rate, threshold = drawn.at(0.05)
    assert rate == 0 and 13 < threshold < 14
    assert np.mean(scores[~truth] >= threshold) <= 0.05


def test_bins_of_box_size_are_counted_from_the_predictions(run: Path) -> None:
    rows = predictions(run)
    wanted = {}
    for row in rows:
        low = 2 ** int(np.log2(float(row["longer_side_px"])))
        wanted.setdefault(f"{low}-{2 * low} px", [0, 0])[int(row["is_anomaly"])] += 1
    text = Elements(report(run)).text
    assert len(wanted) > 1
    for name, (normals, anomalies) in wanted.items():
        assert f"{name}{normals}{anomalies}" in text
    assert "Box size itself may separate the classes" in text


def predictions(run: Path) -> list[dict[str, str]]:
    with (run / "predictions.csv").open() as file:
        return list(csv.DictReader(file))


def write_predictions(run: Path, rows: list[dict[str, str]]) -> None:
    with (run / "predictions.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys())
        writer.writeheader()
        writer.writerows(rows)


def test_a_hostile_class_name_and_path_are_text(run: Path, bench: Path) -> None:
    rows = predictions(run)
    write_predictions(run, [{**row, "class": HOSTILE if row["class"] == "a" else row["class"]} for row in rows])
    result = msgspec.json.decode((run / "metrics.json").read_bytes())
    result["by_normal_class"][HOSTILE] = result["by_normal_class"].pop("a")
    write_json(run / "metrics.json", result)
    odd = run.rename(run.parent / "<img src=x onerror=y>")
    page = report(odd, bench)
    elements = Elements(page)
    assert "<script" not in page and "<img src=x" not in page
    assert elements.text.count(HOSTILE) >= 3 and "<img src=x onerror=y>" in elements.text
    assert all(attributes.get("src") != "x" for _, attributes in elements.found)


def test_several_runs_are_compared(run: Path, tmp_path: Path) -> None:
    other = Path(shutil.copytree(run, tmp_path / "more" / "drawn"))
    page = report(run, other, run)
    text = Elements(page).text
    assert text.count("Where this comes from") == 2, "a run given twice is shown once"
    assert str(run) in text and str(other) in text, "two runs of one name are told apart by their paths"
    overlaid = re.findall(r"<svg viewBox[^>]*aria-label=.ROC curves.*?</svg>", page)
    assert [('class="line s0"' in svg, 'class="line s1"' in svg) for svg in overlaid] == [
        *[(True, True)] * 2,
        *[(True, False)] * 2,
        *[(False, True)] * 2,
    ]
    assert "cannot be compared" not in text
    result = msgspec.json.decode((other / "metrics.json").read_bytes())
    result["test"]["normal"] -= 1
    write_json(other / "metrics.json", result)
    write_predictions(other, predictions(other)[1:])
    assert "cannot be compared" in Elements(report(run, other)).text


def test_a_run_without_debris_in_the_test_has_a_page(run: Path) -> None:
    normal = [row for row in predictions(run) if row["is_anomaly"] == "0"]
    write_predictions(run, normal)
    result = msgspec.json.decode((run / "metrics.json").read_bytes())
    groups = {name: {**group, "auroc": None} for name, group in result["by_normal_class"].items()}
    result |= {"last_epoch": None, "labelled_best_epoch": None, "by_anomaly_kind": {}, "by_normal_class": groups}
    write_json(run / "metrics.json", {**result, "test": {"normal": 18, "anomalous": 0}})
    text = Elements(report(run)).text
    assert "18 satellites, 0 debris" in text and "there is none here" in text and "Worst mistakes" in text


def test_a_benchmarks_tables(bench: Path) -> None:
    text = Elements(report(bench)).text
    assert "Heads & more" in text and "On <drawn> images." in text and "plume98.4098.2 to 98.5\N{EN DASH}" in text
    assert "91.2590 to 920.012" in text


def test_folders_that_are_neither(capsys, tmp_path: Path, run: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(capsys, tmp_path / "empty", "empty: neither", "python -m train evaluate", "python -m train benchmark")
    refused(capsys, tmp_path / "gone", "gone: there is no such folder")
    refused(capsys, run, "metrics.json", "ends in .html", out=str(run / "metrics.json"))
    assert msgspec.json.decode((run / "metrics.json").read_bytes())["last_epoch"]
    for name in ("metrics.json", "predictions.csv"):
        (run / name).unlink()
    refused(capsys, run, "not evaluated", f"python -m train evaluate {run}")


@pytest.mark.parametrize("name", ["metrics.json", "predictions.csv", "mistakes.png", "config.yaml", "provenance.yaml"])
@pytest.mark.parametrize("damage", [None, b"", b"\xff\xfe{", "half"])
def test_damaged_files_of_a_run(capsys, run: Path, name: str, damage: bytes | str | None) -> None:
    path = run / name
    if damage is None:
        path.unlink()
    else:
        whole = path.read_bytes()
        path.write_bytes(damage if isinstance(damage, bytes) else whole[: len(whole) // 2])
    if name.endswith(".yaml") and damage in (b"", "half"):
        return  # shown as it stands
    remedy = f"remove {run}" if name.endswith(".yaml") else f"python -m train evaluate {run}"
    refused(capsys, run, str(path), remedy)


@pytest.mark.parametrize(("column", "value"), [("anomaly_score", "nan"), ("longer_side_px", ""), ("is_anomaly", "yes")])
def test_a_damaged_prediction_is_named_with_its_line(capsys, run: Path, column: str, value: str) -> None:
    rows = predictions(run)
    rows[2][column] = value
    write_predictions(run, rows)
    refused(capsys, run, "predictions.csv:4", "evaluate")


def test_a_picture_with_one_wrong_byte(capsys, run: Path) -> None:
    data = bytearray((run / "mistakes.png").read_bytes())
    data[len(data) // 2] ^= 1
    (run / "mistakes.png").write_bytes(data)
    refused(capsys, run, "mistakes.png: damaged", "evaluate")


def test_predictions_of_an_older_version(capsys, run: Path) -> None:
    write_predictions(run, [{k: v for k, v in row.items() if k != "longer_side_px"} for row in predictions(run)])
    refused(capsys, run, "predictions.csv", "longer_side_px", f"python -m train evaluate {run}")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"rows": [["a", 1]]}, "row 1 has 2 cells for 4 columns"),
        ({"rows": [[["a"], 1, 2, 3]]}, "damaged"),
        ({"plots": ["../secret.png"]}, "not a name of a file beside it"),
        ({"plots": ["gone.png"]}, "gone.png: cannot be read"),
        ({"plots": ["tables.json"]}, "not a PNG"),
    ],
)
def test_damaged_benchmarks(capsys, bench: Path, change: dict[str, Any], said: str) -> None:
    tables = msgspec.json.decode((bench / "tables.json").read_bytes())
    write_json(bench / "tables.json", [{**tables[0], **change}])
    refused(capsys, bench, str(bench), said)
    (bench / "tables.json").write_bytes(b"[{")
    refused(capsys, bench, "tables.json", "python -m train benchmark CONFIG")

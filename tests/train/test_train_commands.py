"""The training commands as a user calls them, with good and bad input."""

import csv
import shutil
from pathlib import Path

import cv2
import msgspec
import numpy as np
import pytest

from onboard import strict_yaml
from train import runs
from train.__main__ import main
from train.config import RunConfig, load

CONFIG = """
seed: 3
data: {{kind: spark, root: {root}, calibration_fraction: 0.3{more}}}
crop: {{input_px: 64}}
layers: [stage5]
fit: {{epochs: 2, batch: 16, learning_rate: 5e-4}}
cache: {cache}
"""


@pytest.fixture
def data(drawn, tmp_path: Path) -> Path:
    """A copy of the small data set that a test may spoil."""
    return Path(shutil.copytree(drawn.root, tmp_path / "data"))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Features by the images' contents, so that not every test computes them again."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def finished(drawn, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the configuration, fitted once. Not to be changed: `run` is a copy."""
    folder = tmp_path_factory.mktemp("finished")
    (folder / "c.yaml").write_text(CONFIG.format(root=drawn.root, cache=cache, more=""))
    assert main(["fit", str(folder / "c.yaml"), "--run", str(folder / "c")]) == 0
    return folder / "c"


@pytest.fixture
def run(finished: Path, drawn, data: Path, tmp_path: Path) -> Path:
    """A copy of the finished run that a test may spoil, as if it were fitted on the test's own copy of the data."""
    copied = Path(shutil.copytree(finished, tmp_path / "runs" / "c"))
    config = copied / "config.yaml"
    config.write_text(config.read_text().replace(str(drawn.root), str(data)))
    return copied


@pytest.fixture
def call(data: Path, cache: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    """Run a command in the test's folder; gives the exit code and what was printed."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, more: str = "") -> tuple[int, str]:
        Path("c.yaml").write_text(CONFIG.format(root=data, cache=cache, more=more))
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


def refused(result: tuple[int, str], *parts: str) -> None:
    code, printed = result
    assert code == 2 and printed.startswith("error: ") and "Traceback" not in printed
    for part in parts:
        assert part in printed


def longer_sides(path: Path) -> dict[str, float]:
    """The longer side of each box of the small data set, by the image's name."""
    with path.open() as file:
        boxes = {
            row["filename"]: [float(v) for v in row["bbox"].strip("[]").split(",")] for row in csv.DictReader(file)
        }
    return {name: max(box[2] - box[0], box[3] - box[1]) for name, box in boxes.items()}


def test_fit_evaluate_export_and_again(call, tmp_path: Path) -> None:
    assert call("fit", "c.yaml")[0] == 0
    run = tmp_path / "runs" / "c"
    code, printed = call("evaluate", str(run))
    assert code == 0 and "last epoch" in printed and "BY TEST LABELS" in printed
    assert {p.name for p in run.glob("*.png")} == {"roc.png", "scores.png", "mistakes.png"}
    result = msgspec.json.decode((run / "metrics.json").read_bytes())
    assert result["test"] == {"normal": 18, "anomalous": 12}
    assert result["labelled_best_epoch"]["auroc"] == max(result["labelled_best_epoch"]["auroc_by_epoch"])
    assert result["last_epoch"]["auroc"] == result["labelled_best_epoch"]["auroc_by_epoch"][-1]
    assert set(result["provenance"]) >= {"seed", "git", "versions", "split_sha256"}
    with (run / "predictions.csv").open() as file:
        rows = list(csv.DictReader(file))
    boxes = longer_sides(tmp_path / "data" / "val.csv")
    assert {Path(r["key"]).name: float(r["longer_side_px"]) for r in rows} == boxes and len(rows) == 30
    code, printed = call("export", str(run))
    assert code == 0 and (run / "bundle" / "manifest.sha256").exists()
    model = (run / "bundle" / "model.onnx").read_bytes()
    code, printed = call("export", str(run))
    assert code == 0 and "gone with it" not in printed, "the old bundle held nothing that the new one has not"
    assert (run / "bundle" / "model.onnx").read_bytes() == model
    assert not list(run.glob("*.part*")) and not list(run.glob(".*.part*")), "nothing half-written is left"
    assert "nothing to do" in call("fit", "c.yaml")[1]


def test_the_resolved_configuration_leaves_nothing_open_and_can_be_run_again(fitted: Path) -> None:
    config = runs.read_config(fitted)
    assert runs.resolved(config) == config
    assert all(value is not None for value in msgspec.structs.asdict(config.head).values())
    assert load(fitted / "config.yaml") == config
    provenance = strict_yaml.parse((fitted / "provenance.yaml").read_text(), "provenance")
    assert provenance["seed"] == 3 and provenance["versions"]["torch"] and len(provenance["split_sha256"]) == 64


def test_a_folder_with_another_run_is_refused_and_kept(call, run: Path) -> None:
    assert "nothing to do" in call("fit", "c.yaml")[1]
    head = (run / "head.pt").read_bytes()
    Path("other.yaml").write_text(Path("c.yaml").read_text().replace("epochs: 2", "epochs: 3"))
    refused(call("fit", "other.yaml", "--run", "runs/c"), "differs in fit.epochs", "--run")
    assert (run / "head.pt").read_bytes() == head


def test_a_run_that_another_process_writes_is_refused(call, tmp_path: Path) -> None:
    from train import lock

    with lock.held(tmp_path / "runs" / "c", "run", wait=False):
        refused(call("fit", "c.yaml"), "another process is writing this run")
    assert call("fit", "c.yaml")[0] == 0


def test_changed_data_are_noticed(call, run: Path, data: Path) -> None:
    path = data / "train.csv"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(lines[:-1]) + "\n")
    refused(call("evaluate", "runs/c"), "not those that the run was fitted on")
    refused(call("fit", "c.yaml"), "fitted on other data")


@pytest.mark.usefixtures("no_pictures")
def test_a_changed_image_is_noticed_and_a_moved_folder_is_not_minded(
    call, run: Path, data: Path, tmp_path: Path
) -> None:
    moved = data.rename(tmp_path / "moved")
    assert "nothing to do" in call("fit", "c.yaml", "--data", str(moved))[1]
    assert call("evaluate", "runs/c", "--data", str(moved))[0] == 0
    path = next((moved / "val").iterdir())
    cv2.imwrite(str(path), 255 - cv2.imread(str(path)))
    refused(call("export", "runs/c", "--data", str(moved)), "not those that the run was fitted on")


@pytest.mark.usefixtures("no_pictures")
def test_another_name_for_debris(call, data: Path) -> None:
    path = data / "val.csv"
    path.write_text(path.read_text().replace("debris", "junk"))
    code, _ = call("fit", "c.yaml", more=", anomaly_classes: [Junk]")
    assert code == 0
    assert "12 anomalous" in call("evaluate", "runs/c")[1]


@pytest.mark.parametrize("name", ["head.pt", "epoch_logits.npy"])
def test_a_damaged_run_is_named_with_the_remedy(call, run: Path, name: str) -> None:
    (run / name).write_bytes(b"damaged")
    refused(call("evaluate", "runs/c"), name, "remove runs/c and fit it again")


def test_outputs_that_cannot_be_written_are_one_line(call, data: Path) -> None:
    Path("file").touch()
    refused(call("fit", "c.yaml", "--run", "file/run"), "file/run")
    refused(call("boxes", str(data), "--out", "file/boxes.csv"), "file")


def test_wrong_folders(call, data: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    refused(call("fit", "c.yaml", "--data", str(tmp_path / "gone")), "gone")
    refused(call("fit", "c.yaml", "--data", str(tmp_path / "empty")), "empty")
    refused(call("evaluate", "runs/none"), "no run here", "python -m train fit")
    refused(call("fit", "none.yaml"), "none.yaml", "cannot be read")
    assert not (tmp_path / "runs").exists()


def test_a_csv_without_boxes(call, data: Path) -> None:
    path = data / "train.csv"
    path.write_text("\n".join(",".join(line.split(",")[:2]) for line in path.read_text().splitlines()))
    refused(call("fit", "c.yaml"), "train.csv", "bbox")


def spoil_images(data: Path) -> dict[str, str]:
    """Make one training image truncated, one grey, one 16-bit, and one box empty; their names by what was done."""
    with (data / "train.csv").open() as file:
        rows = list(csv.reader(file))
    names = {kind: rows[i][0] for i, kind in enumerate(("truncated", "grey", "deep", "empty box"), start=1)}
    folder = data / "train"
    jpeg = cv2.imencode(".jpg", cv2.imread(str(folder / names["truncated"])))[1].tobytes()
    (folder / names["truncated"]).write_bytes(jpeg[: len(jpeg) // 2])
    cv2.imwrite(str(folder / names["grey"]), np.full((320, 320), 90, np.uint8))
    cv2.imwrite(str(folder / names["deep"]), np.full((320, 320, 3), 9000, np.uint16))
    rows[4][2] = "[50, 60, 50, 90]"
    with (data / "train.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return names


def test_defects_are_refused_all_at_once_by_check_and_skipped_on_request(call, data: Path) -> None:
    names = spoil_images(data)
    code, printed = call("check", str(data), "--full")
    assert code == 1
    for kind, name in names.items():
        assert name in printed or (kind == "empty box" and "train.csv:5" in printed), kind
    refused(call("fit", "c.yaml"), "train.csv:5", "python -m train check")
    code, printed = call("fit", "c.yaml", more=", on_defect: skip")
    assert code == 0
    provenance = strict_yaml.parse(Path("runs/c/provenance.yaml").read_text(), "p")
    assert sum(provenance["skipped"].values()) == 4
    fitted_on = provenance["samples"]
    assert sum(fitted_on["fit"].values()) + sum(fitted_on["calibration"].values()) == 44


def test_an_image_that_cannot_be_decoded_stops_the_training_with_its_name(call, data: Path) -> None:
    name = sorted(p.name for p in (data / "train").iterdir())[0]
    whole = (data / "train" / name).read_bytes()
    (data / "train" / name).write_bytes(whole[: len(whole) // 2])
    refused(call("fit", "c.yaml"), name, "1 images cannot be used", "on_defect: skip")


def test_an_image_of_two_parts_stops_the_training(call, data: Path) -> None:
    fitted_on, tested_on = (sorted((data / part).iterdir())[0] for part in ("train", "val"))
    shutil.copy(fitted_on, tested_on)
    boxes = (data / "train.csv").read_text().splitlines()
    (box,) = [row.partition(",")[2] for row in boxes if row.startswith(f"{fitted_on.name},")]
    kept = [row for row in (data / "val.csv").read_text().splitlines() if not row.startswith(f"{tested_on.name},")]
    (data / "val.csv").write_text("\n".join([*kept, f"{tested_on.name},{box}"]))
    refused(call("fit", "c.yaml"), "1 images stand in two of", f"{tested_on.name} (test) is train/{fitted_on.name}")


def test_debris_under_a_name_that_nobody_told_are_not_trained_on_without_a_word(call, data: Path) -> None:
    for path in data.glob("*.csv"):
        path.write_text(path.read_text().replace("debris", "junk"))
    code, printed = call("fit", "c.yaml")
    assert code == 0 and "warning: " in printed and "all are taken for normal" in printed and "junk" in printed


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("backbone: {name: resnet5O}", "resnet50"),
        ("augment: [{blur_px: 1.0e+9}]", "augment.0: {'blur_px': 1000000000.0} is not allowed: blur_px"),
        ("augment: [{exposure: .inf}]", ".inf is not allowed"),
        ("cache: /proc/nowhere", "set 'cache' to a folder"),
        ("layers: [stage99]", "stage99"),
        ("head: {kind: plume, preset: best}", "allowed: ours, paper, reference"),
        ("fit: {epochs: 0}", "fit.epochs"),
        ("crop: {windows: [512, 256]}", "must ascend"),
        ("heads: {}", "did you mean 'head'"),
    ],
)
def test_bad_configurations(call, data: Path, tmp_path: Path, line: str, said: str) -> None:
    call("check", str(data))  # writes nothing, and c.yaml
    text = [row for row in Path("c.yaml").read_text().splitlines() if not row.startswith(line.split(":")[0] + ":")]
    Path("bad.yaml").write_text("\n".join([*text, line]))
    refused(call("fit", "bad.yaml"), said)


def test_boxes_command_writes_what_the_node_reads(call, data: Path, tmp_path: Path) -> None:
    from onboard.replay import read_boxes

    assert call("boxes", str(data), "--out", "boxes.csv")[0] == 0
    with (data / "val.csv").open() as file:
        first = next(csv.DictReader(file))
    r_min, c_min, r_max, c_max = (float(v) for v in first["bbox"].strip("[]").split(","))
    assert (
        f"{first['filename']},{c_min},{r_min},{c_max},{r_max},{first['class']}\n"
        in (tmp_path / "boxes.csv").read_text()
    )
    boxes = read_boxes(tmp_path / "boxes.csv")
    assert len(boxes) == 30 and boxes[first["filename"]] == (c_min, r_min, c_max, r_max)
    refused(call("boxes", str(data), "--source", "test", "--out", "b.csv"), "'test'", "train, val")


def test_shipped_configurations_are_valid() -> None:
    folder = Path(__file__).parents[2] / "configs"
    names = {"demo", "spark_sample", "spark2021", "spark_paper", "cifar10", "pose_head"}
    for name in names:
        assert isinstance(load(folder / f"{name}.yaml"), RunConfig)
    from hil_tests.bench import config as bench
    from hil_tests.bench import limits, plan
    from hil_tests.latency.config import LatencyConfig
    from onboard.compare.outputs import PoseOutputs
    from onboard.config import FlightConfig
    from onboard.fly.config import NodeConfig
    from train.benchmark import config as benchmark
    from train.pose import config as pose
    from train.synth import config as synth

    benchmarks = {path.stem for path in folder.glob("bench_*.yaml")}
    for name in benchmarks:
        assert benchmark.load(folder / f"{name}.yaml").methods

    strict_yaml.load(folder / "flight.yaml", FlightConfig)
    rendered = {"synth", "demo_synth", "pose_synth", "calibration_tracks"}
    for name in rendered:
        synth.load(folder / f"{name}.yaml")
    pose.load(folder / "pose_example.yaml")
    strict_yaml.load(folder / "node.yaml", NodeConfig)
    assert strict_yaml.load(folder / "pose_outputs.yaml", PoseOutputs).pose_outputs
    assert bench.load(folder / "bench.yaml") and limits.read(folder / "limits.yaml")
    assert plan.read(folder / "faults_short.yaml") and plan.read(folder / "faults_full.yaml")
    others = {"flight", "node", "pose_outputs", "pose_example", *rendered}
    assert strict_yaml.load(folder / "latency.yaml", LatencyConfig)
    others |= {"latency", "bench", "limits", "faults_short", "faults_full"}
    assert {p.stem for p in folder.glob("*.yaml")} == names | benchmarks | others

"""A benchmark's input: what is refused, early and by name, and what a folder may hold."""

import shutil
from pathlib import Path

import pytest

from onboard.errors import InputError
from train import lock
from train.__main__ import main
from train.benchmark import config as configs
from train.benchmark import splits
from train.benchmark.command import benchmark
from train.benchmark.run import stages
from train.data.samples import Part

PARTS: tuple[Part, ...] = ("fit", "calibration", "test")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("unseen: true", "unseen: true\nstand_ins: clusters", "unseen: true needs"),
        ("unseen: true", "unseen: true\nchoices: {all: []}", r"choices.*length >= 1"),
        ("unseen: true", "unseen: true\nchoices: {raw: [matched]}", r"choices\.raw: a protocol has this name"),
        ("unseen: true", "unseen: true\nchoices: {all: [raw, both, raw]}", r"choices\.all: raw stands twice"),
        (
            "seeded: true, protocols: [raw]}",
            "seeded: true, candidate: true, protocols: [raw]}\nchoices: {all: [raw, both]}",
            r"methods\.plume\.protocols: a candidate runs under all .* choices\.all or none .*; add both, or",
        ),
        ("unseen: true", "thresholds: true", "thresholds: true tells of the protocols of 'choices'"),
        (
            "unseen: true",
            "thresholds: true\nstand_ins: clusters\nchoices: {all: [raw]}",
            "it needs choices, 'stand_ins: cl",
        ),
        (
            "unseen: true",
            "thresholds: true\nchoices: {all: [raw, mached]}",
            r"choices\.all: \['mached'\] are not among",
        ),
        (
            "unseen: true",
            "thresholds: true\nchoices: {all: [raw, matched]}",
            r"one head for all of choices\.all, but matched has another augment than raw",
        ),
        ("protocols: [raw]", "protocols: [row]", "row"),
        ("raw: {", "raw: {mean: [0, 0, 0], ", "'mean' and 'std' go together"),
        ("match_px: 32, turns: 2", "match_px: 32, turns: 3", "turns"),
        ("kind: gaussian", "kind: gaussain", r"methods\.gaussian\.head.*gaussain"),
        ("[stage2, stage2_std]", "[stage2, stage99]", r"bad\.yaml: methods\.nearest\.layers: \['stage99'\] are not"),
        ("kind: gaussian}", "kind: gaussian}, splits: 1", r"methods\.gaussian\.splits: 1, but the choice"),
        ("weights: random", "weights: random, normalisation: data", "not for benchmarks"),
        ("calibration_fraction: 0.3, test_fraction: 0.3", "kind: cifar, normal_class: cat", "a test of its own"),
    ],
)
def test_mistakes_in_the_configuration_are_named(place: Path, old: str, new: str, said: str) -> None:
    path = place / "bad.yaml"
    path.write_text((place / "b.yaml").read_text().replace(old, new, 1).replace("kind: spark, ", "", "cifar" in new))
    with pytest.raises(InputError, match=said):
        benchmark(path, None, place / "bad")


def of_classes(root: Path, folder: Path, *kept: str) -> Path:
    """The small data set at `root`, with some of its classes alone."""
    folder.mkdir()
    for part in ("train", "val"):
        (folder / part).symlink_to(root / part)
        head, *rows = (root / f"{part}.csv").read_text().splitlines(keepends=True)
        (folder / f"{part}.csv").write_text("".join([head, *(row for row in rows if row.split(",")[1] in kept)]))
    return folder


def test_what_a_folder_holds_is_of_one_configuration(
    place: Path, drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: str
) -> None:
    path, out = tmp_path / "b.yaml", tmp_path / "out"
    written = small.format(root=drawn.root, cache=place / "cache")
    path.write_text(written)
    benchmark(path, None, out)
    before = {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()}
    assert {"choice.csv", "stand_ins.csv", "differences.csv", "unseen.csv"} < before.keys()
    path.write_text(written.replace("selection_splits: 1", "selection_splits: 0").replace("unseen: true", ""))
    with monkeypatch.context() as patched:
        patched.setattr("train.benchmark.run.stages", fails)
        with pytest.raises(InputError):
            benchmark(path, None, out)
    assert {file.name: file.read_bytes() for file in out.iterdir() if file.is_file()} == before
    benchmark(path, None, out)
    assert {file.stem for file in out.glob("*.csv")} == {"methods", "probes", "detection"}
    assert configs.load(out / "config.yaml") == configs.load(path)


def fails(*_: object) -> None:
    raise InputError("fails")


def test_the_report_knows_an_unfinished_benchmark(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("train.benchmark.run.stages", fails)
    with pytest.raises(InputError):
        benchmark(place / "b.yaml", None, tmp_path / "out")
    assert main(["report", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err
    assert "an unfinished benchmark" in said and "run 'python -m train benchmark CONFIG' again" in said


@pytest.mark.parametrize("kept", ["head.pt", "checkpoint.pt", "config.yaml"])
def test_the_folder_of_a_run_is_refused_and_left_as_it_is(place: Path, fitted: Path, tmp_path: Path, kept: str) -> None:
    (tmp_path / kept).write_bytes((fitted / ("config.yaml" if kept == "config.yaml" else "head.pt")).read_bytes())
    before = (tmp_path / kept).read_bytes()
    with pytest.raises(InputError, match=rf"{tmp_path}: holds .*{kept}.* a fitted run .*--out"):
        benchmark(place / "b.yaml", None, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [kept]
    assert (tmp_path / kept).read_bytes() == before


def test_a_folder_that_cannot_be_written_to_is_refused_with_a_remedy(place: Path) -> None:
    with pytest.raises(InputError, match=r"b\.yaml: the benchmark cannot be written there .*; give another folder"):
        benchmark(place / "b.yaml", None, place / "b.yaml")


def test_a_folder_that_is_held_is_refused_by_all_processes(place: Path, tmp_path: Path, in_two) -> None:
    with lock.held(tmp_path, "benchmark", wait=False):
        codes, printed = in_two(["benchmark", str(place / "b.yaml"), "--out", str(tmp_path)])
    assert codes == [2, 2]
    assert all("another process is writing this benchmark; wait" in said for said in printed), printed


def test_an_image_that_cannot_be_decoded_is_refused_or_left_out_and_counted(drawn, tmp_path: Path, small: str) -> None:
    root, path = shutil.copytree(drawn.root, tmp_path / "set"), tmp_path / "b.yaml"
    written = small.format(root=root, cache=tmp_path / "cache")
    path.write_text(written)
    bad = splits.load(configs.load(path), 0, None).fit[0]
    cut = (root / bad.key).read_bytes()
    (root / bad.key).write_bytes(cut[: len(cut) // 2])
    with pytest.raises(InputError, match=r"1 images cannot be used(.|\n)*set 'on_defect: skip'"):
        benchmark(path, None, tmp_path / "out")
    path.write_text(written.replace("kind: spark", "kind: spark, on_defect: skip"))
    benchmark(path, None, tmp_path / "out")
    assert "unusable image: 1" in (tmp_path / "out" / "provenance.yaml").read_text()
    assert "nan" not in (tmp_path / "out" / "tables.md").read_text()


def test_a_fit_that_fails_is_named(drawn, tmp_path: Path, small: str) -> None:
    path, root = tmp_path / "b.yaml", of_classes(drawn.root, tmp_path / "set", "a", "b", "debris")
    text = small.format(root=root, cache=tmp_path / "cache").replace(
        "{kind: gaussian}", "{kind: gaussian, form: relative}"
    )
    path.write_text(text)
    said = r"methods\.gaussian \(protocol matched, split 0, seed 0, without a\): head\.form: relative needs"
    with pytest.raises(InputError, match=said):
        benchmark(path, None, tmp_path / "out")


def test_twins_of_a_later_split_are_refused_before_the_first_one_is_fitted(drawn, tmp_path: Path, small: str) -> None:
    root = shutil.copytree(drawn.root, tmp_path / "set")
    path = tmp_path / "b.yaml"
    path.write_text(small.format(root=root, cache=tmp_path / "cache"))
    drawn_twice = [splits.load(configs.load(path), number, None) for number in (0, 1)]
    first, second = ({s.key: part for part in PARTS for s in split.part(part)} for split in drawn_twice)
    key = next(iter(first))
    twin = next(other for other in first if first[other] == first[key] and second[other] != second[key])
    shutil.copy(root / key, root / twin)
    with pytest.raises(InputError, match=f"byte for byte(.|\n)*{Path(twin).name}"):
        next(stages(configs.load(path)))


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("abc", r"no image of the test is debris by data\.anomaly_classes: \['debris'\]"),
        (("a", "debris"), r"at least two satellite classes.*only 'a'.*selection_splits: 0"),
    ],
)
def test_data_of_which_no_table_could_be_made_are_refused_before_the_features(
    drawn, tmp_path: Path, kept: tuple[str, ...], said: str, small: str
) -> None:
    path, root = tmp_path / "b.yaml", of_classes(drawn.root, tmp_path / "set", *kept)
    path.write_text(small.format(root=root, cache=tmp_path / "cache"))
    with pytest.raises(InputError, match=said):
        benchmark(path, None, tmp_path / "out")
    assert not (tmp_path / "cache").exists()

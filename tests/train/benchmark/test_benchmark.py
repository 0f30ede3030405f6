"""The benchmark: resumable, the same over processes, chosen without the test's labels."""

import csv
import dataclasses
import signal
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from scipy.stats import sem

from onboard import strict_yaml
from train import metrics
from train.benchmark import choice, splits
from train.benchmark import config as configs
from train.benchmark.cells import Cell, Result, compute, path_of
from train.benchmark.choice import Candidate
from train.benchmark.choice_tables import differences_table, stand_ins_table
from train.benchmark.command import benchmark
from train.benchmark.figures import LABEL_FREE, LABELLED, LAST, Figures
from train.benchmark.probes import supervised
from train.benchmark.run import Judged, Outcome, run, stages
from train.benchmark.table import Table, turned_if_wide
from train.benchmark.tables import NAMES, methods_table
from train.benchmark.thresholds import thresholds_table
from train.benchmark.unseen import unseen_table
from train.heads.config import GaussianOptions
from train.plume import training
from train.plume.config import PRESETS
from train.views.recipe import views


@pytest.fixture(scope="module")
def text(place: Path) -> str:
    return benchmark(place / "b.yaml", None, place / "out")


@pytest.fixture(scope="module")
def outcome(place: Path, text: str) -> Outcome:
    """Of the same benchmark, read back. Not to be changed: its parts go into an outcome of the test's own."""
    return run(configs.load(place / "b.yaml"), place / "out")


def test_tables_for_people_and_programs(place: Path, text: str) -> None:
    assert "BY LABELS" in text and "box area" in text and "| gaussian * |" in text and "rank correlation" in text
    listed = msgspec.json.decode((place / "out" / "tables.json").read_bytes())
    assert {file.stem for file in (place / "out").glob("*.csv")} <= NAMES
    assert all(set(t) == {"title", "caption", "columns", "rows", "plots"} for t in listed)
    assert all(len(row) == len(t["columns"]) for t in listed for row in t["rows"])
    assert (place / "out" / listed[0]["plots"][0]).stat().st_size > 1000
    with (place / "out" / "methods.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["method"] for row in rows] == ["gaussian *", "nearest *", "plume", "plume"]
    assert rows[2]["matched"] == "-" and float(rows[3]["raw"].split()[0]) >= float(rows[2]["raw"].split()[0])


def test_a_table_too_wide_to_be_read_is_turned() -> None:
    wide = Table("methods", "AUROC", "", ["method", "epoch", *"abcdefghijklmno"], [["x", "last", *range(15)]] * 2)
    turned = turned_if_wide(wide)
    assert turned.columns == ["method", "x", "x"] and len(turned.rows) == 16
    assert turned.rows[0] == ["epoch", "last", "last"] and turned.rows[-1] == ["o", 14, 14]
    assert turned_if_wide(turned) is turned


def test_what_is_there_is_not_computed_again(place: Path, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    computed: list[Cell] = []

    def counting(cell: Cell, *rest: object) -> Result:
        computed.append(cell)
        return compute(cell, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("train.benchmark.cells.compute", counting)
    files = sorted((place / "out" / "cells").rglob("*.npz"))
    files[3].unlink()
    files[5].write_bytes(b"damaged")
    assert benchmark(place / "b.yaml", None, place / "out") == text
    assert len(computed) == 2
    told = strict_yaml.parse_file(place / "out" / "provenance.yaml")
    assert told["cells"] == {"found": len(files) - 2, "computed": 2}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("weights: random", "weights: random, normalisation: none"),
        ("weights: random", "weights: random, mean: [1, 2, 3]"),
        ("weights: random", "weights: random, std: [1, 2, 3]"),
        ("raw: {recipe", "raw: {mean: [0, 0, 0], std: [1, 1, 1], recipe"),
        ("input_px: 64", "input_px: 64, margin: 0.2"),
        ("turns: 2", "turns: 2, blur_px: 1"),
        ("layers: [stage2], head: {kind: gaussian}", "layers: [stage2_std], head: {kind: gaussian}"),
        ("test_fraction: 0.3", "test_fraction: 0.4"),
    ],
)
def test_a_fit_of_something_else_is_not_found(place: Path, text: str, old: str, new: str) -> None:
    stage = next(stages(configs.load(place / "b.yaml")))

    def first_cell(written: str) -> Path:
        (place / "other.yaml").write_text(written)
        config = configs.load(place / "other.yaml")
        protocol = config.protocols["raw"]
        seen = [view for recipe in protocol.trained_on for view in views(recipe)]
        table = dataclasses.replace(stage.table, protocol=protocol, train_views=seen)
        split = splits.load(config, 0, None)
        return path_of(place / "out", stage.cells[0], config, table, split, stage.groups)

    before = (place / "b.yaml").read_text()
    assert old in before and first_cell(before).exists()
    assert not first_cell(before.replace(old, new, 1)).exists()


def test_a_fit_with_what_a_preset_stood_for_before_is_not_found(
    place: Path, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def of_plume() -> Path:
        stage = next(stages(config := configs.load(place / "b.yaml")))
        cell = next(cell for cell in stage.cells if cell.method == "plume")
        return path_of(place / "out", cell, config, stage.table, stage.split, stage.groups)

    assert of_plume().exists()
    monkeypatch.setitem(PRESETS, "ours", msgspec.structs.replace(PRESETS["ours"], tau=0.7))
    assert not of_plume().exists()


def test_two_processes_give_the_same_features_and_tables(place: Path, text: str, drawn, in_two, small: str) -> None:
    config, alone = place / "two.yaml", place / "one.yaml"
    config.write_text(small.format(root=drawn.root, cache=place / "cache2"))
    alone.write_text(small.format(root=drawn.root, cache=place / "cache"))  # which holds the features by now
    benchmark(alone, None, place / "out1")
    codes, printed = in_two(["benchmark", str(config), "--out", str(place / "out2")])
    assert codes == [0, 0], printed
    assert "".join(printed).count("### AUROC of each method") == 1, "one process speaks for all"
    one, two = (
        {p.relative_to(place / name).as_posix(): p for p in (place / name).rglob("features.npy")}
        for name in ("cache", "cache2")
    )
    assert len(two) == 2 and two.keys() < one.keys(), "in two turns; the others are of other protocols"
    for name in two:
        assert np.array_equal(np.load(one[name]), np.load(two[name]))
    for name in ("methods", "choice", "probes", "detection", "unseen"):
        assert (place / "out1" / f"{name}.csv").read_text() == (place / "out2" / f"{name}.csv").read_text()


def test_the_labels_of_the_test_have_no_say_in_the_choice(outcome: Outcome) -> None:
    turned = {
        where: Judged(judged.samples, np.roll(judged.is_anomaly, 7), judged.probes)
        for where, judged in outcome.judged.items()
    }
    before, after = Figures(outcome), Figures(Outcome(outcome.config, outcome.results, turned, outcome.groups))
    for split in (0, 1):
        first, second = before.chosen("raw", None, split), after.chosen("raw", None, split)
        assert first is not None and second is not None
        assert (first.chosen, first.stand_in) == (second.chosen, second.stand_in)
        assert first.auroc != second.auroc, "the test's labels do judge it"
    assert before.auroc("raw", "plume", LABELLED).mean >= before.auroc("raw", "plume", LAST).mean


def test_the_choice_takes_the_best_stand_in_and_tells_its_regret() -> None:
    known = {"a": (0.6, 0.9), "b": (0.8, 0.85), "c": (0.7, 0.8)}
    made = choice.choose([Candidate(name, 0, stand_in, 0.5, test) for name, (stand_in, test) in known.items()])
    assert (made.chosen, made.oracle, made.auroc) == ("b", "a", 0.85)
    assert made.regret == pytest.approx(0.05) and made.rank_correlation == pytest.approx(-0.5)
    assert np.isnan(choice.choose([Candidate("a", 0, 0.6, 0.5, 0.9)]).rank_correlation), "one alone has no order"


def test_the_stand_ins_table_shows_what_the_choice_saw(outcome: Outcome) -> None:
    one_split = msgspec.structs.replace(outcome.config, selection_splits=1)
    figures = Figures(Outcome(one_split, outcome.results, outcome.judged, outcome.groups))
    seen = {name: figures.stand_ins("raw", name) for name in figures.candidates()}
    made = figures.chosen("raw", None, 0)
    assert made is not None and made.chosen == max(seen, key=lambda name: seen[name].mean())
    assert made.stand_in == pytest.approx(seen[made.chosen].mean())
    assert len(seen[made.chosen]) == len(outcome.groups["raw", None, 0])
    (other,) = seen.keys() - {made.chosen}
    less = 100 * (seen[other] - seen[made.chosen])
    rows = {row[0]: row[1] for row in stand_ins_table(figures).rows}
    assert rows[made.chosen] == f"{100 * made.stand_in:.1f} ± {100 * sem(seen[made.chosen]):.1f}"
    assert str(rows[other]).endswith(f" ({less.mean():.1f} ± {sem(less):.1f})")


def test_one_candidate_is_chosen_for_all_normal_classes_together() -> None:
    data = {"kind": "cifar", "root": "x", "normal_class": "a"}
    method = {"layers": ["pooled"], "head": {"kind": "gaussian"}, "candidate": True}
    raw = {"data": data, "normal_classes": ["a", "b"], "splits": 1, "selection_splits": 1, "protocols": {"raw": {}}}
    config = msgspec.convert({**raw, "methods": {"steady": method, "uneven": method}}, configs.BenchmarkConfig)
    # Of ten normals and ten others, so many others are missed: the uneven one is best for a, and worst on the whole.
    missed = {("a", "steady"): 2, ("b", "steady"): 2, ("a", "uneven"): 0, ("b", "uneven"): 8}
    results = {}
    for (c, name), count in missed.items():
        logits = np.concatenate([np.ones(10), np.full(count, 2.0), np.zeros(10 - count)]).astype(np.float32)[None]
        for left_out in (None, 0, 1):
            results[Cell("raw", c, 0, name, 0, left_out)] = Result(logits, logits[0, :10], 10)
    truth = np.arange(20) >= 10
    judged = {("raw", c, 0): Judged((), truth, {}) for c in "ab"}
    figures = Figures(Outcome(config, results, judged, dict.fromkeys(judged, ("a", "b"))))
    alone, together = figures.chosen("raw", "a", 0), figures.chosen_for_all("raw", 0)
    assert alone is not None and alone.chosen == "uneven"
    assert together is not None and together.chosen == "steady" and together.auroc == pytest.approx(0.8)


def test_the_supervised_bound_judges_no_sample_by_a_model_that_saw_its_label(place: Path, text: str) -> None:
    assert "with labels" in text
    stage = next(stages(configs.load(place / "b.yaml")))
    aurocs = []
    for seed in range(8):  # labels that mean nothing give chance; a model that had seen them would know each by heart
        lots = np.random.default_rng(seed).permutation([s.is_anomaly for s in stage.split.test])
        drawn = [dataclasses.replace(s, is_anomaly=bool(lot)) for s, lot in zip(stage.split.test, lots, strict=True)]
        (scores,) = supervised(stage.table, drawn, 0, place / "kept").values()
        aurocs.append(metrics.auroc(lots, scores))
    assert np.mean(aurocs) < 0.7


def test_left_out_satellites_called_debris_are_counted_at_five_percent() -> None:
    logits = np.concatenate([-np.arange(100), [-200.0, -200.0, 0.0, 0.0]]).astype(np.float32)
    assert choice.left_out_alarms([Result(logits[None], logits[:1], 100)], -1) == 0.5
    few = np.arange(24.0)
    assert choice.called_debris(few, few) == 1 / 24, "at most 5 %, where that is between one and two"


def test_a_fit_stopped_by_ctrl_c_goes_on_to_the_same_result(
    place: Path, text: str, drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: str
) -> None:
    path = tmp_path / "b.yaml"
    path.write_text(small.format(root=drawn.root, cache=place / "cache"))  # which holds the features by now
    step, stop, steps = training._Run._step, [False], [0]

    def counted(self: training._Run, features: torch.Tensor) -> None:
        step(self, features)
        steps[0] += 1
        if stop[0] and steps[0] == 3:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(training._Run, "_step", counted)
    benchmark(path, None, tmp_path / "whole")
    taken, steps[0], stop[0] = steps[0], 0, True
    with pytest.raises(KeyboardInterrupt):
        benchmark(path, None, tmp_path / "out")
    (checkpoint,) = (tmp_path / "out" / "cells").rglob("*.pt")
    cell = checkpoint.with_suffix(".npz").relative_to(tmp_path / "out")
    assert not (tmp_path / "out" / cell).exists()
    benchmark(path, None, tmp_path / "out")
    assert steps[0] == taken > 3, "what was done before the stop is not done again"
    one, two = (np.load(tmp_path / name / cell)["logits"] for name in ("whole", "out"))
    assert np.array_equal(one, two)
    assert not checkpoint.exists()


def test_the_choice_stands_beside_the_best_single_number(outcome: Outcome) -> None:
    told = {}  # a number that knows the answer, and is low where it is debris: nothing can be better
    for key, judged in outcome.judged.items():
        numbers = {"chance": np.arange(len(judged.is_anomaly)) % 2.0, "told": -judged.is_anomaly.astype(float)}
        told[key] = dataclasses.replace(judged, probes=numbers)
    figures = Figures(Outcome(outcome.config, outcome.results, told, outcome.groups))
    *_, last = differences_table(figures).rows
    assert last[0] == "best single number BY LABELS" and str(last[1]).endswith("), told")
    assert float(str(last[1]).split()[0]) < 0


def test_an_epoch_is_chosen_by_the_stand_ins_where_there_are_some(outcome: Outcome) -> None:
    """A candidate whose first epoch tells left-out satellites and whose last one tells debris."""
    config = msgspec.structs.replace(outcome.config, selection_splits=1)
    results = dict(outcome.results)
    for cell, result in outcome.results.items():
        if cell.method != "gaussian":
            continue
        judged = outcome.judged[cell.protocol, None, cell.split]
        told = judged.is_anomaly if cell.left_out is None else np.arange(result.logits.shape[1]) >= result.normals
        good, bad = (-told.astype(np.float32), told.astype(np.float32))
        epochs = [bad, good] if cell.left_out is None else [good, bad]
        results[cell] = dataclasses.replace(result, logits=np.stack(epochs))
    figures = Figures(Outcome(config, results, outcome.judged, outcome.groups))
    made = figures.chosen("raw", None, 0)
    assert made is not None and (made.chosen, made.epoch, made.stand_in, made.auroc) == ("gaussian", 0, 1.0, 0.0)
    by_stand_ins = figures.auroc("raw", "gaussian", LABEL_FREE)
    assert (by_stand_ins.mean, by_stand_ins.number) == (0.0, 1), "of the split that has stand-ins"
    assert figures.auroc("raw", "gaussian", LAST).mean == 100
    assert figures.stand_ins("raw", "gaussian").min() == 1


def test_differences_are_means_over_the_seeds(outcome: Outcome) -> None:
    seeds = range(outcome.config.seeds)
    alone = [
        Figures(Outcome(msgspec.structs.replace(outcome.config, seeds=1), moved, outcome.judged, outcome.groups))
        for seed in seeds
        if (moved := {**outcome.results, **{
            dataclasses.replace(cell, seed=0): result
            for cell, result in outcome.results.items() if cell.method == "plume" and cell.seed == seed
        }})
    ]  # fmt: skip
    places = [{("raw", None, n): ("plume", -1) for n in range(2)}]
    each = [figures.resampled("raw", places) for figures in alone]
    assert not np.allclose(each[0], each[1])
    assert np.allclose(Figures(outcome).resampled("raw", places), np.mean(each, axis=0))


def test_splits_that_share_their_debris_are_as_unsure_as_one_of_them(outcome: Outcome) -> None:
    """All debris are in each split's test: three times the same test says no more than once."""
    same = {("raw", None, n): outcome.judged["raw", None, 0] for n in range(3)}
    results = {
        dataclasses.replace(cell, split=n): result
        for cell, result in outcome.results.items()
        for n in range(3)
        if cell.split == 0 and cell.protocol == "raw"
    }
    config = msgspec.structs.replace(outcome.config, splits=3)
    figures = Figures(Outcome(config, results, same, outcome.groups))
    one, three = (figures.resampled("raw", [{("raw", None, n): ("nearest", -1) for n in range(m)}]) for m in (1, 3))
    assert np.allclose(one, three) and one.std() > 0


def test_debris_against_an_unknown_satellite_are_judged_by_heads_that_never_saw_it(
    place: Path, outcome: Outcome
) -> None:
    assert outcome.groups["raw", None, 0] == tuple(sorted(set(outcome.groups["raw", None, 0]))), "classes, by name"
    results = dict(outcome.results)
    for cell, result in outcome.results.items():
        if cell.left_out is None:
            continue
        debris = sum(outcome.judged[cell.protocol, None, cell.split].is_anomaly)
        assert result.debris.shape == (1, debris)
        # Known satellites at 1, unknown ones at -2 but for those of the second class, debris at -1.
        logits = np.ones_like(result.logits)
        logits[:, result.normals :] = 1 if cell.left_out == 1 else -2
        results[cell] = dataclasses.replace(result, logits=logits, debris=np.full((1, debris), -1, np.float32))
    figures = Figures(Outcome(outcome.config, results, outcome.judged, outcome.groups))
    names = outcome.groups["raw", None, 0]
    (row, *_) = unseen_table(figures).rows
    share = 100 / len(names)
    assert row[:3] == ["raw", "gaussian", "100.0"] and float(str(row[3]).split()[0]) == pytest.approx(share, abs=0.05)
    assert row[4] == f"{names[0]}, 0.0"
    assert row[5:] == [f"{100 - share:.0f} %", "100 %"]
    assert "does not know" in (place / "out" / "tables.md").read_text()


def test_a_threshold_is_the_first_protocol_s_under_all_of_a_choice(outcome: Outcome) -> None:
    results = dict(outcome.results)
    for cell, result in results.items():
        if cell.method != "gaussian" or cell.protocol not in ("raw", "matched"):
            continue
        # Each protocol's own calibration would call none odd: what is judged lies below it under both.
        offset = 0.0 if cell.protocol == "raw" else 10.0
        calibration = np.linspace(-1, 1, 40, dtype=np.float32) - offset
        logits = np.full_like(result.logits, 0.0 - offset)
        if cell.left_out == 0:
            logits[:, result.normals :] = -20
        truth = outcome.judged[cell.protocol, None, cell.split].is_anomaly
        if cell.left_out is None:
            logits[:, truth] = -20
        results[cell] = dataclasses.replace(result, logits=logits, calibration=calibration)
    config = msgspec.structs.replace(outcome.config, choices={"seen": ("raw", "matched")})
    figures = Figures(Outcome(config, results, outcome.judged, outcome.groups))
    rows = [row for row in thresholds_table(figures).rows if row[1] == "gaussian"]
    one_class = f"{100 / len(outcome.groups['raw', None, 0]):.1f} ± 0.0 %"
    assert rows[0] == ["seen", "gaussian", "raw", "0.0 ± 0.0 %", one_class, "100.0 ± 0.0 %"]
    assert rows[1] == ["seen", "gaussian", "matched", "100.0 ± 0.0 %", "100.0 ± 0.0 %", "100.0 ± 0.0 %"]
    other_way = msgspec.structs.replace(outcome.config, choices={"seen": ("matched", "raw")})
    rows = thresholds_table(Figures(Outcome(other_way, results, outcome.judged, outcome.groups))).rows
    assert rows[1][2:] == ["raw", "0.0 ± 0.0 %", one_class, "100.0 ± 0.0 %"]
    few = {cell: dataclasses.replace(result, calibration=result.calibration[:18]) for cell, result in results.items()}
    (row, *_) = thresholds_table(Figures(Outcome(other_way, few, outcome.judged, outcome.groups))).rows
    assert row[3:] == ["-", "-", "-"], "of 18 no p-value is as low as 0.05"


def test_a_head_that_uses_class_names_is_marked_in_the_table(outcome: Outcome) -> None:
    relative = msgspec.structs.replace(outcome.config.methods["gaussian"], head=GaussianOptions(form="relative"))
    config = msgspec.structs.replace(outcome.config, methods={**outcome.config.methods, "gaussian": relative})
    first, second, *_ = methods_table(Figures(Outcome(config, outcome.results, outcome.judged, outcome.groups))).rows
    assert (first[0], second[0]) == ("gaussian * \u2020", "nearest *")

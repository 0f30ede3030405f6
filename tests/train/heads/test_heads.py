"""Heads in closed form against their textbook definitions, and through saving and ONNX."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import onnxruntime
import pytest
import torch
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import roc_auc_score
from sklearn.neighbors import NearestNeighbors

from onboard import strict_yaml
from onboard.errors import InputError
from train.benchmark.config import BenchmarkConfig
from train.config import FitOptions, HeadOptions, RunConfig
from train.heads.blocks import BlockSum
from train.heads.config import DistilledOptions, GaussianOptions, NeighboursOptions, PcaOptions, sets_of
from train.heads.fitting import fit_closed, fit_head, for_loading
from train.heads.neighbours import coreset
from train.heads.normals import Normals

CPU = torch.device("cpu")
LAYERS, BLOCKS = ("long", "short"), (7, 5)
HEADS: dict[str, HeadOptions] = {
    "cosine": NeighboursOptions(),
    "whitened": NeighboursOptions(metric="whitened", neighbours=3, local=5, coreset=60),
    "class_whitened": NeighboursOptions(metric="class_whitened"),
    "single": GaussianOptions(),
    "per_class": GaussianOptions(form="per_class"),
    "relative": GaussianOptions(form="relative"),
    "discriminant": GaussianOptions(form="discriminant"),
    "clusters": GaussianOptions(form="relative", classes=4),
    "pca": PcaOptions(variance=0.8),
    "sum": GaussianOptions(form="relative", blocks="sum"),
    "sets": GaussianOptions(form="relative", blocks=(("short", "long"), ("short",))),
    "sets, equal weights": GaussianOptions(
        form="discriminant", blocks=(("short", "long"), ("short",)), weights="equal"
    ),
    "directions in sets": GaussianOptions(scale="unit", blocks=(("short", "long"), ("short",))),
    "sum of neighbours": NeighboursOptions(metric="whitened", blocks="sum"),
    "sum of pca": PcaOptions(blocks="sum"),
    "distilled": DistilledOptions(hidden=32, questions=3000, epochs=20),
    "sum of distilled": DistilledOptions(hidden=32, questions=3000, epochs=5, blocks="sum"),
    "directions": GaussianOptions(scale="unit"),
    "sum of directions": GaussianOptions(scale="unit", blocks="sum"),
}


def normals(rows: int = 200, seed: int = 0) -> Normals:
    """Two classes apart from each other, in correlated features."""
    draw = np.random.default_rng(seed)
    labels = ["a" if i % 2 else "b" for i in range(rows)]
    mixing = np.random.default_rng(9).normal(0, 1, (12, 12))
    x = draw.normal(0, 1, (rows, 12)) @ mixing + np.array([[6.0 if label == "a" else -6.0] for label in labels])
    return Normals(torch.from_numpy(x).float(), labels, np.arange(rows), LAYERS, BLOCKS, np.zeros(rows, np.int64))


def outliers(rows: int = 100) -> torch.Tensor:
    draw = np.random.default_rng(7)
    return torch.from_numpy(normals(rows, 3).features.numpy() + draw.normal(0, 6, (rows, 12))).float()


@pytest.mark.parametrize("name", HEADS)
def test_outliers_score_lower_and_a_saved_head_gives_the_same_also_in_onnx(name: str, tmp_path: Path) -> None:
    # A relative distance asks how unlike every class a sample is, so its outliers lie between the classes.
    away = (
        normals(100, 3).features * torch.tensor([0.1, 0.1]).repeat(50)[:, None]
        if any(form in repr(HEADS[name]) for form in ("relative", "discriminant"))
        else outliers()
    )
    known, unseen = normals(), torch.cat([normals(100, 1).features, away])
    fitted = fit_head(HEADS[name], known, FitOptions(), 0, CPU, unseen)
    truth = np.arange(200) >= 100
    assert roc_auc_score(truth, -fitted.watched[0]) > 0.9
    fitted.model.set_temperature(normals(50, 2).features)
    with torch.inference_mode():
        wanted = fitted.model(unseen).numpy()
        inner = fitted.model(normals(50, 2).features)
    assert float(inner.mean()) == pytest.approx(0, abs=1e-3) and float(inner.std()) == pytest.approx(1, abs=1e-3)

    stream = io.BytesIO()
    torch.save(fitted.model.state_dict(), stream)
    state = torch.load(io.BytesIO(stream.getvalue()), weights_only=True)
    loaded = for_loading(HEADS[name], 12, state)
    loaded.load_state_dict(state)
    with torch.inference_mode():
        assert np.array_equal(loaded.eval()(unseen).numpy(), wanted)

    path = tmp_path / "head.onnx"
    torch.onnx.export(loaded, (unseen[:1],), str(path), dynamo=False, opset_version=17, input_names=["x"])
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    found = np.array([session.run(None, {"x": row[None].numpy()})[0].item() for row in unseen[90:110]])
    assert np.abs(found - wanted[90:110]).max() < 1e-4 * max(1.0, np.abs(wanted).max())


def test_a_single_gaussian_is_mahalanobis_with_ledoit_wolf() -> None:
    known, unseen = normals(), outliers(20)
    x = known.features.double().numpy()
    covariance, _ = ledoit_wolf(x - x.mean(0), assume_centered=True)
    away = unseen.double().numpy() - x.mean(0)
    wanted = np.einsum("ni,ij,nj->n", away, np.linalg.inv(covariance), away)
    assert np.allclose(-fit_closed(GaussianOptions(), known, 0)(unseen).numpy(), wanted, rtol=1e-4)


def test_the_relative_distance_is_the_nearest_class_s_less_the_global_one() -> None:
    known, unseen = normals(), outliers(20)
    per_class, single, relative = (
        fit_closed(GaussianOptions(form=form), known, 0)(unseen) for form in ("per_class", "single", "relative")
    )
    assert torch.allclose(relative, per_class - single, rtol=1e-3, atol=1e-2)
    x, labels = known.features.double(), np.array(known.labels)
    means = {c: x[torch.from_numpy(labels == c)].mean(0) for c in "ab"}
    within = (x - torch.stack([means[c] for c in labels])).numpy()
    inverse = np.linalg.inv(ledoit_wolf(within, assume_centered=True)[0])
    wanted = min(
        float((unseen[0].double() - m).numpy() @ inverse @ (unseen[0].double() - m).numpy()) for m in means.values()
    )
    assert float(-per_class[0]) == pytest.approx(wanted, rel=1e-3)


def test_the_discriminant_is_the_relative_distance_with_the_covariances_within_and_within_plus_between() -> None:
    known, unseen = normals(), outliers()
    x, labels = known.features.double().numpy(), np.array(known.labels)
    means = {name: x[labels == name].mean(0) for name in "ab"}
    within = ledoit_wolf(x - np.array([means[name] for name in labels]), assume_centered=True)[0]
    apart = np.array([means[name] - x.mean(0) for name in "ab"]) * np.sqrt([[(labels == name).mean()] for name in "ab"])
    total = np.linalg.inv(within + apart.T @ apart)

    def squared(inverse: np.ndarray, centre: np.ndarray) -> np.ndarray:
        away = unseen.double().numpy() - centre
        return np.einsum("ni,ij,nj->n", away, inverse, away)

    nearest = np.min([squared(np.linalg.inv(within), mean) for mean in means.values()], axis=0)
    head = fit_closed(GaussianOptions(form="discriminant"), known, 0)
    assert np.allclose(head(unseen).numpy(), squared(total, x.mean(0)) - nearest, atol=1e-3)
    assert head.axes.shape == (12, 1)  # two classes differ in one direction


def test_one_class_has_nothing_to_discriminate() -> None:
    with pytest.raises(InputError, match="two classes or more"):
        fit_closed(GaussianOptions(form="discriminant"), replace(normals(), labels=["a"] * 200), 0)


def test_neighbours_are_those_of_an_exhaustive_search() -> None:
    known, unseen = normals(), outliers(20)
    search = NearestNeighbors(n_neighbors=2, metric="cosine", algorithm="brute").fit(known.features.numpy())
    wanted = search.kneighbors(unseen.numpy())[0].mean(1)
    assert np.allclose(-fit_closed(NeighboursOptions(), known, 0)(unseen).numpy(), wanted, atol=1e-5)


def test_a_class_seen_in_two_ways_is_two_clouds() -> None:
    known = normals()
    twice = Normals(
        torch.cat([known.features, known.features + 40]), known.labels * 2, np.tile(known.samples, 2), LAYERS, BLOCKS,
        np.repeat([0, 1], 200),
    )  # fmt: skip
    assert len(set(twice.class_numbers().tolist())) == 4
    between = fit_closed(GaussianOptions(form="per_class"), twice, 0)(known.features[:50] + 20)
    on = fit_closed(GaussianOptions(form="per_class"), twice, 0)(known.features[:50] + 40)
    assert float(on.min()) > float(between.max())


def test_a_coreset_reaches_far_points_first_and_is_seeded() -> None:
    points = torch.zeros(500, 3)
    points[123], points[456] = 10.0, -10.0
    rows = coreset(points, 5, 4)
    assert {123, 456} <= set(rows.tolist())
    assert torch.equal(rows, coreset(points, 5, 4))


def test_a_coreset_is_that_of_one_point_at_a_time() -> None:
    """More points than the front holds, with far groups, so that the front is changed while points are taken."""
    generator = torch.Generator().manual_seed(5)
    points = torch.randn(3000, 8, generator=generator) + 6 * torch.randn(30, 8, generator=generator).repeat(100, 1)
    rows = coreset(points, 200, 0)
    distances = torch.cdist(points.double(), points.double())
    wanted = [int(rows[0])]
    for _ in range(199):
        wanted.append(int(distances[:, wanted].amin(1).argmax()))
    assert rows.tolist() == wanted


def test_standardisation_of_blocks_holds_out_all_views_of_a_sample() -> None:
    """With each sample in two identical views, a head that saw one would give the other no distance at all."""
    known = normals(60)
    doubled = Normals(
        known.features.repeat_interleave(2, 0), [label for label in known.labels for _ in (0, 1)],
        np.repeat(known.samples, 2), LAYERS, BLOCKS, np.zeros(120, np.int64),
    )  # fmt: skip
    head = fit_closed(NeighboursOptions(metric="whitened", neighbours=1, blocks="sum"), doubled, 0)
    assert float(head.means.max()) < -0.3


@pytest.mark.parametrize("weights", ["spread", "equal"])
def test_heads_on_sets_of_vectors_are_those_of_the_vectors_alone(weights: Literal["spread", "equal"]) -> None:
    options, known, unseen = GaussianOptions(form="relative"), normals(), outliers()
    in_sets = msgspec.structs.replace(options, blocks=(("short",), ("short", "long")), weights=weights)
    sets = fit_closed(in_sets, known, 0)
    assert isinstance(sets, BlockSum)
    _, short = unseen.split(BLOCKS, 1)
    alone = torch.stack([fit_closed(options, known.of_blocks([1]), 0)(short), fit_closed(options, known, 0)(unseen)], 1)
    assert torch.allclose(sets(unseen), ((alone - sets.means) / sets.spreads).mean(1), atol=1e-4)
    assert (sets.spreads.tolist() == [1, 1]) == (weights == "equal")


@pytest.mark.parametrize(
    ("blocks", "layers", "words"),
    [
        ((("short", "stage9"),), LAYERS, "stage9: not among layers"),
        ((("short",),), LAYERS, "long: in no set"),
        ((("short",), ("long",)), (*LAYERS, "long"), "a name stands twice"),
        ((("short", "short"), ("long",)), LAYERS, "short, short: a name stands twice"),
        ((("short",), ("long",), ("short",)), LAYERS, "a set stands twice"),
    ],
)
def test_sets_that_do_not_fit_the_layers_are_refused(
    blocks: tuple[tuple[str, ...], ...], layers: tuple[str, ...], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        sets_of(GaussianOptions(blocks=blocks), layers)


@pytest.mark.parametrize("form", ["relative", "discriminant"])
def test_a_distance_less_itself_is_refused(form: Literal["relative", "discriminant"]) -> None:
    with pytest.raises(InputError, match="two classes or more"):
        fit_closed(GaussianOptions(form=form, classes=1), normals(), 0)


def test_options_that_would_change_nothing_are_refused() -> None:
    with pytest.raises(ValueError, match="equal changes nothing"):
        sets_of(GaussianOptions(weights="equal"), LAYERS)
    with pytest.raises(ValueError, match="classes: 20 changes nothing"):
        GaussianOptions(classes=20)
    for teacher in (NeighboursOptions(blocks="sum"), NeighboursOptions(scale="unit")):
        with pytest.raises(ValueError, match=r"teacher\."):
            DistilledOptions(teacher=teacher)


def test_a_run_and_a_benchmark_whose_sets_do_not_fit_are_refused_when_they_are_read() -> None:
    head = {"kind": "gaussian", "blocks": [["pooled"], ["stage9"]]}
    spark = {"kind": "spark", "root": "data"}
    with pytest.raises(InputError, match=r"^run\.yaml: head\.blocks: stage9: not among layers, pooled$"):
        strict_yaml.convert({"data": spark, "head": head}, RunConfig, "run.yaml")
    with pytest.raises(InputError, match=r"'som' is not allowed: .*joint, sum, a list of length >= 1"):
        strict_yaml.convert({"data": spark, "head": {**head, "blocks": "som"}}, RunConfig, "run.yaml")
    methods = {"mine": {"layers": ["pooled"], "head": head}}
    with pytest.raises(InputError, match=r"^bench\.yaml: methods\.mine: head\.blocks: stage9"):
        wrong = {"data": spark, "protocols": {"raw": {}}, "methods": methods}
        strict_yaml.convert(wrong, BenchmarkConfig, "bench.yaml")

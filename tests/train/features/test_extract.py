"""The feature cache: the same features, extracted once, whatever happens in between."""

import multiprocessing
import os
import time
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch

from onboard import image
from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from train.backbones.registry import BackboneOptions, Loaded, load
from train.data.config import SparkData
from train.data.load import load as load_data
from train.data.samples import Sample
from train.features import extract as extraction
from train.features.cache import FeatureCache
from train.features.extract import Features, extract
from train.views.recipe import Recipe, View

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def backbone() -> Loaded:
    return load(BackboneOptions(name="mobilenet_v2", weights="random"))


@pytest.fixture
def samples(drawn, tmp_path: Path) -> list[Sample]:
    """Twelve samples whose images are the test's own."""
    found = []
    for sample in load_data(SparkData(str(drawn.root))).all()[:12]:
        copy = tmp_path / sample.key
        image.write(copy, image.read(sample.path))
        found.append(replace(sample, path=copy))
    return found


def run(samples: list[Sample], backbone: Loaded, cache: Path, spec: CropSpec | None = None) -> Features:
    return extract(samples, backbone, spec or CropSpec(input_px=96), cache, CPU, "refuse")


@pytest.fixture
def stored(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows that were extracted, in order."""
    rows: list[int] = []
    put = FeatureCache.put

    def counting(self, row, *arguments):
        rows.append(row)
        put(self, row, *arguments)

    monkeypatch.setattr(FeatureCache, "put", counting)
    return rows


def test_second_call_reads_the_cache_in_any_order(samples, backbone, tmp_path, stored) -> None:
    first = run(samples, backbone, tmp_path / "cache")
    assert len(stored) == 12 and np.isfinite(first.values).all()
    second = run(samples[::-1], backbone, tmp_path / "cache")
    assert len(stored) == 12
    np.testing.assert_array_equal(second.values, first.values[::-1])
    assert first.layers(["stage3", "pooled"]).shape == (12, 64 + 1280)


def test_a_changed_image_is_extracted_anew_and_a_touched_one_is_not(samples, backbone, tmp_path, stored) -> None:
    before = run(samples, backbone, tmp_path / "cache").values
    os.utime(samples[0].path, (1, 1))
    darker = image.read(samples[1].path) // 2
    image.write(samples[1].path, darker)
    after = run(samples, backbone, tmp_path / "cache").values
    assert len(stored) == 13
    changed = (before != after).any(axis=1)
    assert changed.tolist() == [i == 1 for i in range(12)]


@pytest.mark.parametrize("where", ["in_place", "elsewhere"])
def test_another_image_of_the_same_size_and_time_is_extracted_anew(
    samples, backbone, tmp_path, stored, where: str
) -> None:
    shape = image.read(samples[0].path).shape
    samples = [replace(sample, path=tmp_path / f"{n}.bmp") for n, sample in enumerate(samples)]
    for sample in samples:
        image.write(sample.path, np.full(shape, 40, np.uint8))
        os.utime(sample.path, (1, 1))
    run(samples, backbone, tmp_path / "cache")
    if where == "elsewhere":
        (tmp_path / "other").mkdir()
        samples = [replace(sample, path=tmp_path / "other" / sample.path.name) for sample in samples]
    for sample in samples:
        image.write(sample.path, np.full(shape, 90, np.uint8))
        os.utime(sample.path, (1, 1))
    run(samples, backbone, tmp_path / "cache")
    assert len(stored) == 24


def test_another_crop_or_backbone_is_another_cache(samples, backbone, tmp_path, stored) -> None:
    run(samples, backbone, tmp_path / "cache")
    run(samples, backbone, tmp_path / "cache", CropSpec(input_px=96, margin=0.2))
    run(samples, load(BackboneOptions(name="mobilenet_v2", weights="random", mean=(1, 2, 3))), tmp_path / "cache")
    assert len(stored) == 36


def test_an_unreadable_image_is_told_and_the_others_are_kept(samples, backbone, tmp_path, stored) -> None:
    whole = samples[4].path.read_bytes()
    samples[4].path.write_bytes(whole[: len(whole) // 2])
    found = run(samples, backbone, tmp_path / "cache")
    assert list(found.defects) == [4] and samples[4].path.name in found.defects[4]
    assert np.isnan(found.values[4]).all() and np.isfinite(np.delete(found.values, 4, 0)).all()
    samples[4].path.write_bytes(whole)
    assert not run(samples, backbone, tmp_path / "cache").defects and len(stored) == 12


def test_a_spoiled_row_is_extracted_anew(samples, backbone, tmp_path, stored) -> None:
    before = run(samples, backbone, tmp_path / "cache").values
    path = next((tmp_path / "cache").rglob("features.npy"))
    mapped = np.load(path, mmap_mode="r+")
    mapped[2:4] = mapped[2:4][::-1].copy()
    mapped.flush()
    np.testing.assert_array_equal(run(samples, backbone, tmp_path / "cache").values, before)
    assert len(stored) == 14


def test_a_damaged_cache_is_named(samples, backbone, tmp_path) -> None:
    run(samples, backbone, tmp_path / "cache")
    path = next((tmp_path / "cache").rglob("features.npy"))
    path.write_bytes(path.read_bytes()[:5000])
    with pytest.raises(InputError, match=r"features\.npy: the feature cache is damaged .* remove"):
        run(samples, backbone, tmp_path / "cache")


def _slowly(samples: list, backbone, cache: Path, begun: Connection) -> None:
    """What is to be killed: tells of each batch when it begins."""
    torch.set_num_threads(1)  # OpenMP's other threads do not live in a forked process
    extraction._BATCH = extraction._AHEAD = 4
    forward = extraction.forward

    def slow(*arguments):
        begun.send("batch")
        time.sleep(0.5)
        return forward(*arguments)

    extraction.forward = slow
    run(samples, backbone, cache)


def test_a_killed_extraction_goes_on_to_the_same_features(drawn, backbone, tmp_path, stored, monkeypatch) -> None:
    everything = list(load_data(SparkData(str(drawn.root))).all()[:24])
    fork = multiprocessing.get_context("fork")  # a new interpreter takes 8 s of processor time to import torch
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=_slowly, args=(everything, backbone, tmp_path / "cache", there))
    process.start()
    for _ in range(4):  # the fourth batch has begun, so three are done
        assert here.poll(60) and here.recv() == "batch"
    time.sleep(0.1)
    process.kill()
    process.join()
    monkeypatch.setattr(extraction, "_BATCH", 4)
    monkeypatch.setattr(extraction, "_AHEAD", 4)
    resumed = run(everything, backbone, tmp_path / "cache")
    assert len(stored) == 24 - 12
    fresh = run(everything, backbone, tmp_path / "other")
    np.testing.assert_array_equal(resumed.values, fresh.values)


def test_what_counts_as_debris_is_not_reduced_and_the_cache_knows(
    samples: list[Sample], backbone: Loaded, tmp_path: Path
) -> None:
    small = View(Recipe(reduce_to_px=(16, 20), match_px=24))

    def seen(is_anomaly: bool, cache: Path) -> Features:
        told = [replace(sample, is_anomaly=is_anomaly) for sample in samples]
        return extract(told, backbone, CropSpec(input_px=96), cache, CPU, "refuse", [small] * len(told))

    reduced = seen(False, tmp_path / "a")
    spared = seen(True, tmp_path / "a")
    assert np.abs(reduced.values - spared.values).max() > 1e-3
    assert np.array_equal(spared.values, seen(True, tmp_path / "b").values)

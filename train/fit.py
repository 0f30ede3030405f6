"""Fit a head: features, training, and a run folder that tells all of it."""

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec

from onboard import provenance, strict_yaml
from onboard.errors import InputError
from train import distributed, lock, runs
from train.config import RunConfig
from train.data.config import SparkData
from train.data.samples import Split
from train.heads.fitting import fit_head
from train.prepare import Prepared, device, plan, prepare


def fit(config: RunConfig, run: Path) -> None:
    """Fit the head that the configuration describes and save it in the run's folder.

    A run that was interrupted goes on; a finished one with the same configuration is left as it is. Under torchrun all
    processes extract features, and the first one fits.

    Raises:
        InputError: the folder holds a run of another configuration; or the data or weights cannot be used.
    """
    _refuse_another_config(config, run)
    with distributed.group():
        planned = plan(config)
        if distributed.rank() != 0:
            prepare(config, planned)
            return
        # Before the features, which take long: a run that cannot be written is better known at once.
        with lock.held(run, "run", wait=False):
            _warn_of_no_debris(config, planned.split)
            _refuse_another_config(config, run)  # the process that held the lock may have made one
            _fit(config, run, prepare(config, planned))


def _fit(config: RunConfig, run: Path, prepared: Prepared) -> None:
    split_sha256, weights_sha256 = prepared.split.hash(), prepared.backbone.weights_sha256
    content_sha256 = prepared.content_sha256
    if (run / runs.HEAD).exists():
        saved = runs.read_head(run, config)
        found = (saved.split_sha256, saved.weights_sha256, saved.content_sha256)
        if found != (split_sha256, weights_sha256, content_sha256):
            raise InputError(f"{run}: fitted on other data or weights (their hashes differ); remove it or give --run")
        print(f"{run}: fitted already, nothing to do")
        return
    _refuse_other_data(run, prepared)
    runs.write_config(run, config, provenance.record(config.seed, **describe(prepared)))
    fitted = fit_head(
        config.head,
        prepared.normals,
        config.fit,
        config.seed,
        device(config.device),
        watched=prepared.features["test"],
        checkpoint=run / runs.CHECKPOINT,
    )
    held_out = prepared.features["calibration"]
    fitted.model.set_temperature(held_out if len(held_out) > 1 else prepared.features["fit"])
    runs.write_history(run, fitted.history, fitted.watched)
    dim = prepared.normals.features.shape[1]
    head = runs.FittedHead(fitted.model, dim, fitted.learning_rate, split_sha256, weights_sha256, content_sha256)
    runs.write_head(run, head)
    (run / runs.CHECKPOINT).unlink(missing_ok=True)
    views = len(prepared.normals.labels) // max(1, len(prepared.split.fit))
    rate = f", maximum learning rate {fitted.learning_rate:.2e}" if fitted.learning_rate is not None else ""
    kind = msgspec.to_builtins(config.head)["kind"]
    print(f"{run}: {kind} head fitted on {len(prepared.split.fit)} normal samples in {views} views{rate}")


def _warn_of_no_debris(config: RunConfig, split: Split) -> None:
    """A set of normals alone is fine, but debris under a name that nobody told would be trained on as a satellite."""
    if isinstance(config.data, SparkData) and not any(sample.is_anomaly for sample in split.test):
        classes = ", ".join(sorted({sample.label for sample in split.all()}))
        told = f"no image of the test is debris by data.anomaly_classes: {list(config.data.anomaly_classes)}"
        print(f"warning: {config.data.root}: {told}; all are taken for normal: {classes}", file=sys.stderr)


def describe(prepared: Prepared) -> dict[str, Any]:
    """Data and backbone, for the record."""
    norm = prepared.backbone.normalisation
    return {
        "split_sha256": prepared.split.hash(),
        "content_sha256": prepared.content_sha256,
        "samples": counts(prepared.split),
        "skipped": prepared.split.skipped,
        "unused": prepared.split.unused,
        "backbone": {
            "name": prepared.backbone.name,
            "weights": prepared.backbone.weights_source,
            "weights_sha256": prepared.backbone.weights_sha256,
            "mean": list(norm.mean),
            "std": list(norm.std),
        },
    }


def counts(split: Split) -> dict[str, dict[str, int]]:
    """How many samples of each class are in each part."""
    parts = {"fit": split.fit, "calibration": split.calibration, "test": split.test}
    return {name: dict(sorted(Counter(s.label for s in samples).items())) for name, samples in parts.items()}


def _refuse_another_config(config: RunConfig, run: Path) -> None:
    if not (run / runs.CONFIG).exists():
        return
    # Theirs is resolved again: a key that came after their run was made stands for what the preset says now.
    theirs, ours = (msgspec.to_builtins(runs.resolved(c)) for c in (runs.read_config(run), config))
    # Where things lie, and how often a checkpoint is written, does not change a result; hashes guard data and weights.
    for raw in (theirs, ours):
        raw.pop("cache"), raw.pop("device"), raw["fit"].pop("checkpoint_every_s")
        raw["data"].pop("root"), raw["backbone"].pop("weights"), raw["backbone"].pop("onnx")
    if changed := sorted(_differences(theirs, ours)):
        raise InputError(
            f"{run}: holds a run with another configuration (it differs in {', '.join(changed)}); "
            "give another folder with --run, or remove this one"
        )


def _refuse_other_data(run: Path, prepared: Prepared) -> None:
    """A run that was interrupted goes on with the data and weights that it began with, or not at all."""
    if not (run / runs.CHECKPOINT).exists() or not (run / runs.PROVENANCE).exists():
        return
    begun = strict_yaml.parse((run / runs.PROVENANCE).read_text(encoding="utf-8"), str(run / runs.PROVENANCE))
    now = describe(prepared)
    if any(begun.get(name) != now[name] for name in ("split_sha256", "content_sha256", "backbone")):
        raise InputError(
            f"{run}: was interrupted while it was fitted on other data or weights (their hashes differ); "
            "restore them, give another folder with --run, or remove this one"
        )


def _differences(a: dict[str, Any], b: dict[str, Any], path: str = "") -> list[str]:
    found = []
    for key in a.keys() | b.keys():
        here = f"{path}{key}"
        if isinstance(a.get(key), dict) and isinstance(b.get(key), dict):
            found += _differences(a[key], b[key], f"{here}.")
        elif a.get(key) != b.get(key):
            found.append(here)
    return found

"""The demonstration: the whole path, from images to verdicts, and one table."""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from onboard import image, replay_run, strict_yaml
from onboard.config import FlightConfig
from onboard.messages import Verdict
from onboard.summary import Summary
from train import config as run_config
from train.boxes import write_sidecar
from train.config import FitOptions, RunConfig
from train.data import draw
from train.data import load as loading
from train.evaluate import evaluate, text
from train.export.bundle import export
from train.fit import fit
from train.plume.config import PlumeOptions
from train.synth import config as synth_config
from train.synth.dataset import render

_CONFIGS = Path("configs")
_PLUME_FIT = FitOptions(epochs=20)
_MOST_FLOWN = 100  # of a data set's own test images, of satellites and of debris each


@dataclass(frozen=True)
class Flight:
    """One replay: its name, the folder of its frames, and their boxes."""

    name: str
    frames: Path
    boxes: Path


def demo(data: str | None) -> None:
    """Run all steps and print where the results are.

    Args:
        data: a SPARK folder; None renders the synthetic data set and its tracks.

    Raises:
        InputError: a step's input cannot be used.
    """
    if data is None:
        _say("1/5 render satellites, debris and a track of each")
        folder = render(synth_config.load(_CONFIGS / "demo_synth.yaml"))
        config, run = run_config.load(_CONFIGS / "demo.yaml"), Path("runs/demo")
    else:
        _say(f"1/5 no rendering: the data are in {data}")
        folder, run = Path(data), Path("runs") / f"demo_{Path(data).resolve().name}"
        config = run_config.load(_CONFIGS / "spark_sample.yaml", {"data.root": data})
    _say("2/5 train on satellites alone")
    fit(config, run)
    _say("3/5 evaluate on images that training never saw; PLUME beside it")
    result = evaluate(run, config)
    print(text(result))
    beside = _plume(config, run)
    _say("4/5 export the flight bundle")
    bundle = export(run, config)
    print(bundle)
    _say("5/5 fly: replay frames through the bundle")
    flights = [_track(folder, "satellite"), _track(folder, "debris")] if data is None else _own_test(config, run)
    calibration = sum(result["provenance"]["samples"]["calibration"].values())
    summaries = [_fly(flight, run, bundle, calibration) for flight in flights]
    picture = _picture(run, flights)
    print(_table(result, beside, flights, summaries))
    print(f"\nverdicts: {run / 'flight'}/*/verdicts.jsonl\npictures: {run / 'flight'}/*/annotated/, {picture}")
    print(f"figures:  {run}/metrics.json, roc.png, scores.png, mistakes.png")


def _plume(config: RunConfig, run: Path) -> dict[str, Any]:
    """Fit and evaluate PLUME (preset `ours`, on the last stage before the pooled one) on the same crops."""
    run = run.with_name(f"{run.name}_plume")
    config = msgspec.structs.replace(config, head=PlumeOptions(), layers=("stage7",), fit=_PLUME_FIT)
    fit(config, run)
    return evaluate(run, config)


def _say(step: str) -> None:
    print(f"\n== {step}", flush=True)


def _track(folder: Path, kind: str) -> Flight:
    track = min((folder / "tracks").glob(f"{kind}_*"))
    return Flight(track.name, track, track / "boxes.csv")


def _own_test(config: RunConfig, run: Path) -> list[Flight]:
    """Links to some of the data set's test images with their boxes: satellites in one folder, debris in another."""
    test = loading.load(config.data, config.seed).test
    flights = []
    for name, is_anomaly in (("test_satellites", False), ("test_debris", True)):
        samples = {sample.key: sample for sample in test if sample.is_anomaly is is_anomaly}
        if not samples:
            continue
        folder = run / "frames" / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        rows = []
        for key in draw.order(samples, config.seed)[:_MOST_FLOWN]:
            link = key.replace("/", "_")
            (folder / link).symlink_to(samples[key].path.resolve())
            rows.append((link, samples[key].box, samples[key].label))
        write_sidecar(folder / "boxes.csv", rows)
        flights.append(Flight(name, folder, folder / "boxes.csv"))
    return flights


def _fly(flight: Flight, run: Path, bundle: Path, calibration: int) -> Summary:
    """Replay at a false-alarm rate of 5 %, or the finest that so many calibration images support."""
    overrides: dict[str, Any] = {
        "bundle": str(bundle),
        "source.folder": str(flight.frames),
        "source.boxes": str(flight.boxes),
        "output.folder": str(run / "flight" / flight.name),
        "output.annotated": True,
        "false_alarm_rate": max(0.05, 1.0 / (calibration + 1)),
    }
    summary = replay_run.run(strict_yaml.load(_CONFIGS / "flight.yaml", FlightConfig, overrides), overwrite=True)
    print(f"{flight.name}: {summary.text()}\n")
    return summary


def _picture(run: Path, flights: list[Flight]) -> Path:
    """The frame of median score of each replay, side by side."""
    chosen = []
    for flight in flights:
        folder = run / "flight" / flight.name
        lines = (folder / replay_run.VERDICTS).read_bytes().splitlines()
        verdicts = [msgspec.json.decode(line, type=Verdict) for line in lines]
        answered = [verdict for verdict in verdicts if verdict.anomaly_score is not None]
        if answered:
            middle = sorted(answered, key=lambda verdict: verdict.anomaly_score or 0.0)[len(answered) // 2]
            chosen.append(image.read(replay_run.annotated_path(folder, middle)))
    path = run / "verdicts.png"
    if chosen:
        height = min(frame.shape[0] for frame in chosen)
        image.write(path, np.concatenate([frame[:height] for frame in chosen], axis=1))
    return path


def _table(result: dict[str, Any], beside: dict[str, Any], flights: list[Flight], summaries: list[Summary]) -> str:
    rows = []
    if result["last_epoch"] is not None:
        low, high = (100 * value for value in result["last_epoch"]["auroc_95"])
        auroc = 100 * result["last_epoch"]["auroc"]
        found = 100 * result["last_epoch"]["tpr_at_5_fpr"]
        rows.append(("AUROC on unseen images", f"{auroc:.1f}  (95 % interval {low:.1f} to {high:.1f})"))
        last, best = (100 * beside[name]["auroc"] for name in ("last_epoch", "labelled_best_epoch"))
        epochs = beside["labelled_best_epoch"]["of_epochs"]
        rows.append(("  PLUME there", f"{last:.1f}  (best of {epochs} epochs BY TEST LABELS: {best:.1f})"))
        rows.append(("debris found there at 5 % false alarms", f"{found:.0f} %  (threshold from these images)"))
    for flight, summary in zip(flights, summaries, strict=True):
        answered = summary.statuses["ANSWERED"]
        rows.append((f"{flight.name}: called debris", f"{summary.debris} of {answered} frames"))
    if latency := {stage: values["p50"] for stage, values in summaries[-1].latency_ms().items()}:
        rows.append(("median latency, window + graph, 1 thread", f"{latency['window'] + latency['infer']:.1f} ms"))
    return "\n".join(f"  {name:<44}{value}" for name, value in rows)

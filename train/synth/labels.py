"""The label files beside the images."""

import csv
import io
from pathlib import Path

from onboard import files, strict_yaml
from train.synth.camera import Camera
from train.synth.config import SynthConfig
from train.synth.plan import Job, jobs, tracks
from train.synth.renderer import Entry


def write(folder: Path, config: SynthConfig, entries: dict[str, Entry]) -> None:
    """Write `train.csv`, `val.csv`, `kinds.csv` and the files of each track, as SPARK-2022 lays them out."""
    single = [job for job in jobs(config) if job.frame is None]
    for part in ("train", "val"):
        rows = [_spark_row(job, entries[job.path]) for job in single if job.path.startswith(f"{part}/")]
        _table(folder / f"{part}.csv", ["filename", "class", "bbox"], rows)
    _table(
        folder / "kinds.csv",
        ["filename", "kind"],
        [[job.path, job.kind] for job in single if job.path.startswith("val/")],
    )
    for name, frames in tracks(config).items():
        _track(folder / "tracks" / name, frames, [entries[job.path] for job in frames], config)


def _spark_row(job: Job, entry: Entry) -> list[object]:
    x0, y0, x1, y1 = entry.box
    return [Path(job.path).name, job.label, f"[{y0}, {x0}, {y1}, {x1}]"]


def _track(folder: Path, frames: list[Job], entries: list[Entry], config: SynthConfig) -> None:
    names = [Path(job.path).name for job in frames]
    _table(
        folder / "boxes.csv",
        ["filename", "x_min", "y_min", "x_max", "y_max"],
        [[name, *entry.box] for name, entry in zip(names, entries, strict=True)],
    )
    _table(
        folder / "poses.csv",
        ["filename", "qw", "qx", "qy", "qz", "tx_m", "ty_m", "tz_m"],
        [[name, *(f"{v:.8f}" for v in entry.pose)] for name, entry in zip(names, entries, strict=True)],
    )
    camera = Camera(config.image_px)
    about = {
        "class": frames[0].label,
        "kind": frames[0].kind,
        "frames": len(frames),
        "frame_period_ms": config.tracks.frame_period_ms,
        "camera": {
            "fx_px": camera.focal_px,
            "fy_px": camera.focal_px,
            "cx_px": camera.centre_px,
            "cy_px": camera.centre_px,
        },
    }
    files.write_text(folder / "track.yaml", _TRACK_COMMENT + strict_yaml.dump(about))


_TRACK_COMMENT = """\
# poses.csv: p_camera = R(qw, qx, qy, qz) p_body + (tx_m, ty_m, tz_m); OpenCV's camera axes: x right, y down,
# z forward. Pixels, here and in boxes.csv, are counted at their edges: the first pixel spans 0..1.
# Where pixel middles are whole numbers (OpenCV's calibration), cx and cy are 0.5 less.
"""


def _table(path: Path, header: list[str], rows: list[list[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerows([header, *rows])
    files.write_text(path, text.getvalue())

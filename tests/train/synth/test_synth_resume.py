import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard import image
from onboard.errors import InputError
from train.synth import dataset
from train.synth.config import SynthConfig, Tracks

pytest.importorskip("vtkmodules", reason="rendering needs the 'synth' extra")
ROOT = Path(__file__).parents[3]
Small = Callable[..., SynthConfig]

RUN = """
import signal, sys
from pathlib import Path
from train.synth.config import load
from train.synth.dataset import render
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # of a job in the background it is ignored
    render(load(Path(sys.argv[1])), progress=False)
"""


def contents(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def start(tmp_path: Path, config: SynthConfig) -> subprocess.Popen[bytes]:
    """Render in a process of its own, and wait until it has written some images."""
    from onboard import strict_yaml

    (tmp_path / "run.py").write_text(RUN)
    (tmp_path / "run.yaml").write_text(strict_yaml.dump(config))
    process = subprocess.Popen(
        [sys.executable, str(tmp_path / "run.py"), str(tmp_path / "run.yaml")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )
    deadline = time.monotonic() + 60
    while len(list(Path(config.out).rglob("*.jpg"))) < 12:
        assert process.poll() is None and time.monotonic() < deadline, "no images were rendered"
        time.sleep(0.01)
    return process


def test_another_seed_gives_other_images(tmp_path: Path, small: Small, rendered: tuple[Path, SynthConfig]) -> None:
    other = dataset.render(small(tmp_path / "other", seed=4, val_satellites=0, val_debris=0, workers=1), progress=False)
    names = [path.name for path in (other / "train").iterdir()]
    assert names
    assert all((other / "train" / n).read_bytes() != (rendered[0] / "train" / n).read_bytes() for n in names)


def test_a_killed_run_goes_on_to_the_bytes_of_another_number_of_workers(
    tmp_path: Path, small: Small, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {"train_satellites": 12, "tracks": Tracks(1, 0, 30)}
    config = small(tmp_path / "set", **made)
    process = start(tmp_path, config)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)  # the pool's processes notice, and end
    folder = Path(config.out)
    kept = {path: path.stat().st_mtime_ns for path in folder.rglob("*.jpg") if not path.name.startswith(".")}
    assert 12 <= len(kept) < 12 + 4 + 4 + 30
    for path in kept:
        image.read(path)  # raises if a half was written
    (folder / "train" / ".img000099.jpg.1.part.jpg").write_bytes(b"what a killed process leaves")
    victim = min(kept)
    victim.write_bytes(victim.read_bytes()[:100])

    dataset.render(config, progress=False)
    same = [path for path, when in kept.items() if path.stat().st_mtime_ns == when]
    assert len(same) >= len(kept) - 1 - 2 * config.workers  # all but the victim and what was in flight
    assert not list(folder.rglob("*.part*"))
    assert len(image.read(victim)) == config.image_px
    whole = dataset.render(small(tmp_path / "whole", workers=1, **made), progress=False)
    assert contents(folder) == contents(whole)

    def fail(*_: object) -> None:
        raise AssertionError("a finished data set was rendered again")

    monkeypatch.setattr(dataset, "render_all", fail)
    assert dataset.render(config, progress=False) == folder


def test_ctrl_c_ends_quickly(tmp_path: Path, small: Small) -> None:
    process = start(tmp_path, small(tmp_path / "set", train_satellites=3000))
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
    before = time.monotonic()
    try:
        process.wait(timeout=30)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    assert time.monotonic() - before < 5
    assert process.returncode != 0
    assert len(list((tmp_path / "set").rglob("*.jpg"))) < 1000


def test_a_folder_of_another_configuration_is_refused(
    small: Small, rendered: tuple[Path, SynthConfig], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"another configuration.*give another 'out'"):
        dataset.render(small(rendered[0], seed=99), progress=False)
    (tmp_path / "train.csv").write_text("filename,class,bbox\n")
    with pytest.raises(InputError, match="not a synthetic data set"):
        dataset.render(small(tmp_path), progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["train.csv"]


def test_without_vtk_the_extra_is_named(tmp_path: Path, small: Small, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dataset, "find_spec", lambda name: None if name == "vtk" else object())
    with pytest.raises(InputError, match="'synth' extra"):
        dataset.render(small(tmp_path / "set"), progress=False)
    assert not (tmp_path / "set").exists()

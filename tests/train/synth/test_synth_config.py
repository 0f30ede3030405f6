import subprocess
import sys
from pathlib import Path

import pytest

from onboard.errors import InputError
from train.synth.config import load

ROOT = Path(__file__).parents[3]


def load_text(tmp_path: Path, text: str) -> None:
    path = tmp_path / "synth.yaml"
    path.write_text(text)
    load(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("out: x\nimage_pixels: 512\n", "did you mean 'image_px'"),
        ("out: x\nimage_px: 64\n", "image_px: 64 is not allowed"),
        ("out: x\ntracks: {frames: 500}\n", "tracks.frames: 500 is not allowed"),
        ("out: x\nbox_side: {min: 0.5, max: 0.2}\n", r"box_side: .*min \(0.5\) is greater than max \(0.2\)"),
        ("out: x\nearth_probability: 2\n", "<= 1"),
        ("out: x\nworkers: 0\n", ">= 1"),
        ("seed: 1\n", "'out' is missing"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        load_text(tmp_path, text)


def test_the_repository_s_configuration_loads() -> None:
    config = load(ROOT / "configs" / "synth.yaml")
    assert config.train_satellites + config.val_satellites + config.val_debris == 1200


def test_vtk_is_not_imported_before_something_is_rendered() -> None:
    code = "import sys, train.synth.config, train.synth.dataset; print('vtkmodules' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "False"

"""`python -m onboard run` with a node's configuration flies it, and refuses what only a replay can do."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard import image, strict_yaml
from onboard.__main__ import main
from onboard.fly.config import NodeConfig
from tests.onboard.fly.conftest import picture


@pytest.fixture
def file(configured: Callable[..., NodeConfig], tmp_path: Path) -> Path:
    """Of a node that flies two frames."""
    (tmp_path / "frames").mkdir()
    for n in range(2):
        image.write(tmp_path / "frames" / f"{n}.png", picture(n))
    rows = [f"{n}.png,20,20,60,60" for n in range(2)]
    (tmp_path / "frames" / "boxes.csv").write_text("\n".join(["filename,x_min,y_min,x_max,y_max", *rows]) + "\n")
    path = tmp_path / "flown.yaml"
    path.write_text(strict_yaml.dump(configured(source={"kind": "folder", "folder": str(tmp_path / "frames")})))
    return path


def test_a_nodes_configuration_is_flown(file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "onboard", "run", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[3])
    assert done.returncode == 0, done.stderr
    assert "the journal agrees" in done.stdout
    assert json.loads((tmp_path / "out" / "summary.json").read_text())["frames"]["answered"] == 2


def test_options_of_a_replay_are_refused_with_it(
    file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", str(file), "--frames", "elsewhere", "--annotate", "--overwrite"]) == 2
    said = capsys.readouterr().err
    assert f"error: {file}: 'kind' in its source" in said
    assert "--frames, --annotate, --overwrite cannot change" in said
    assert not (tmp_path / "out").exists()

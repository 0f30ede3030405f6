"""What flies stands on the base install alone: it imports, and runs, where nothing else is installed."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from packaging.requirements import Requirement

REPOSITORY = Path(__file__).parents[2]
GROUND = ("train", "calibration", "hil_tests", "torch", "torchvision", "timm", "onnx", "sklearn", "matplotlib")


def base_requirements() -> list[str]:
    """The project's own requirements, without its extras."""
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # pytest brings it there
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["dependencies"]


def distributions(requirements: list[str]) -> dict[str, importlib.metadata.Distribution]:
    """What a fresh install of these would bring: themselves and all they require here."""
    found: dict[str, importlib.metadata.Distribution] = {}
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        if wanted.name in found or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        found[wanted.name] = importlib.metadata.distribution(wanted.name)
        waiting += [Requirement(text) for text in found[wanted.name].requires or []]
    return found


@pytest.fixture(scope="module")
def base_install(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of links to the base install's packages, and to onboard, and to nothing else."""
    folder = tmp_path_factory.mktemp("base_install")
    for distribution in distributions(base_requirements()).values():
        for top in {file.parts[0] for file in distribution.files or []} - {"..", "__pycache__"}:
            if not (folder / top).exists():
                (folder / top).symlink_to(Path(str(distribution.locate_file(top))))
    (folder / "onboard").symlink_to(REPOSITORY / "onboard")
    return folder


REPLAY = """
import json, sys
sys.path.append(sys.argv[1])
try:
    import torch
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("torch is importable here: this test shows nothing")
from onboard.__main__ import main
code = main(sys.argv[2:])
print(json.dumps({"code": code, "modules": sorted({name.split(".")[0] for name in sys.modules})}))
"""


def test_frames_are_replayed_on_the_base_install_alone(base_install: Path, bundle: Path, tmp_path: Path) -> None:
    frames = tmp_path / "frames"
    frames.mkdir()
    for n in range(3):
        cv2.imwrite(str(frames / f"{n}.png"), np.full((90, 120, 3), 40 * n, np.uint8))
    rows = ["filename,x_min,y_min,x_max,y_max", *(f"{n}.png,10,10,60,50" for n in range(3))]
    (frames / "boxes.csv").write_text("\n".join(rows))
    config = tmp_path / "flight.yaml"
    config.write_text(
        f"bundle: {bundle}\nsource: {{folder: {frames}}}\nfalse_alarm_rate: 0.2\n"
        f"output: {{folder: {tmp_path / 'out'}, annotated: true}}\n"
    )
    # -I -S: no environment variables, no current folder, no site-packages.
    command = [sys.executable, "-I", "-S", "-c", REPLAY, str(base_install), "run", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["code"] == 0, done.stderr
    assert {"onboard", "onnxruntime", "cv2"} <= set(said["modules"])
    assert not set(GROUND) & set(said["modules"])
    assert (tmp_path / "out" / "verdicts.jsonl").read_text().count('"ANSWERED"') == 3


def test_no_file_of_onboard_imports_from_the_ground() -> None:
    files = sorted((REPOSITORY / "onboard").rglob("*.py"))
    assert len(files) > 10
    for path in files:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):  # imports inside functions as well
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            assert not {name.split(".")[0] for name in names} & set(GROUND), f"{path}:{node.lineno}"


def test_the_contracts_of_who_may_import_whom_are_kept() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=REPOSITORY)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_a_camera_process_needs_neither_onnx_runtime_nor_opencv() -> None:
    script = "import json, sys, onboard.wire, onboard.sources.ring_writer; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    loaded = json.loads(done.stdout)
    assert "onboard.wire" in loaded
    assert not {"onnxruntime", "cv2"} & set(loaded)


def test_the_names_of_the_library_are_still_there() -> None:
    import onboard
    from onboard import Answer, Detector, InputError, Status

    assert {each.__name__ for each in (Answer, Detector, InputError, Status)} == set(onboard.__all__)
    with pytest.raises(AttributeError, match="no attribute 'Detektor'"):
        _ = onboard.Detektor

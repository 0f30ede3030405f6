"""What the tests of calibration's commands share."""

from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np
import pytest

from calibration.__main__ import main
from onboard import bundle as bundles
from onboard import files
from tests.onboard.small_flight import write_bundle


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Runs a command of `python -m calibration`; gives its exit code, and what it printed on both streams."""

    def run(*arguments: object) -> tuple[int, str]:
        code = main([str(argument) for argument in arguments])
        streams = capsys.readouterr()
        return code, streams.out + streams.err

    return run


@pytest.fixture
def light(tmp_path: Path) -> Path:
    """A bundle of a small network that says it was fitted on a, b and c; loaded and asked in milliseconds."""
    folder, scores = write_bundle(tmp_path / "bundle", (256,)), "calibration_scores.npy"
    np.save(folder / scores, np.linspace(-20, 20, 15, dtype=np.float32))
    manifest = bundles.read(folder).manifest
    training = {"samples": {"fit": {"a": 11, "b": 11, "c": 11}}}
    hashes = {**manifest.files, scores: files.sha256(folder / scores)}
    changed = {"files": hashes, "training": training, "calibration_scores": scores}
    bundles.write_manifest(folder, msgspec.structs.replace(manifest, **changed))
    return folder

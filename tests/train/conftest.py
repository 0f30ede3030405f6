"""A small synthetic data set, for the tests of rendering and of what is trained on its tracks."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.once import made_once
from train.synth.config import Fractions, SynthConfig, Tracks


@pytest.fixture(scope="session")
def small() -> Callable[..., SynthConfig]:
    """Makes a configuration that renders in seconds."""

    def make(out: Path, **changes: object) -> SynthConfig:
        settings: dict[str, object] = {
            "out": str(out),
            "seed": 3,
            "image_px": 128,
            "train_satellites": 4,
            "val_satellites": 4,
            "val_debris": 4,
            "tracks": Tracks(0, 0, 30),
            "workers": 2,
        }
        return SynthConfig(**{**settings, **changes})  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory, small: Callable[..., SynthConfig]) -> tuple[Path, SynthConfig]:
    """A small data set, rendered once for all tests; no test may change it."""
    pytest.importorskip("vtkmodules", reason="rendering needs the 'synth' extra")
    from train.synth.dataset import render

    def config(folder: Path) -> SynthConfig:
        return small(
            folder / "set",
            train_satellites=24,
            val_satellites=120,
            val_debris=120,
            tracks=Tracks(2, 1, 30),
            box_side=Fractions(0.15, 0.68),
        )

    folder = made_once(tmp_path_factory, "synth", lambda folder: render(config(folder), progress=False))
    return folder / "set", config(folder)

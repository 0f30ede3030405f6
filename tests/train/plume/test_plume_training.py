"""Training of PLUME: deterministic, resumable, and on the right side of chance."""

import signal
from pathlib import Path

import msgspec
import pytest
import torch
from sklearn.metrics import roc_auc_score

from onboard.errors import InputError
from train.config import FitOptions
from train.plume.config import PRESETS, PlumeOptions
from train.plume.model import Plume
from train.plume.training import Trained, train

CPU = torch.device("cpu")


def cloud(n: int, seed: int) -> torch.Tensor:
    """Normal features: correlated, with scales far apart."""
    draw = torch.Generator().manual_seed(seed)
    mix = torch.randn(24, 24, generator=torch.Generator().manual_seed(9)) * torch.logspace(-1, 1, 24)
    return torch.randn(n, 24, generator=draw) @ mix + 5


NORMAL, UNSEEN = cloud(256, 1), cloud(128, 2)
ODD = UNSEEN[torch.arange(128).roll(1)] * 0.5 + UNSEEN * 0.5 + torch.randn(128, 24, generator=torch.Generator()) * 3
SMALL = {
    "ours": msgspec.structs.replace(PRESETS["ours"], perturbator_width=16),
    "paper": msgspec.structs.replace(PRESETS["paper"], perturbator_width=16, model_dim=48),
    "reference": msgspec.structs.replace(PRESETS["reference"], perturbator_width=16, model_dim=48),
}


def run(preset: str = "ours", epochs: int = 6, checkpoint: Path | None = None, **options: object) -> Trained:
    chosen = FitOptions(epochs=epochs, learning_rate=1e-3, **options)  # type: ignore[arg-type]
    return train(NORMAL, SMALL[preset], chosen, 5, CPU, torch.cat([UNSEEN, ODD]), checkpoint)


def test_ours_tells_odd_features_from_unseen_normal_ones() -> None:
    truth = [0] * len(UNSEEN) + [1] * len(ODD)
    assert roc_auc_score(truth, -run(epochs=15).watched[-1]) > 0.85


def test_same_seed_same_result() -> None:
    first, second = run(), run()
    assert (first.watched == second.watched).all() and first.history == second.history


@pytest.mark.parametrize("preset", ["ours", "reference"])
def test_a_run_stopped_in_the_middle_of_an_epoch_goes_on_to_the_same_result(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(preset)
    checkpoint = tmp_path / "checkpoint.pt"
    draw, steps = Plume.draw_noise, []

    def draw_and_stop(self: Plume, batch: int, generator: torch.Generator) -> torch.Tensor:
        steps.append(1)
        if len(steps) == 3 * 8 + 5:  # the fifth step of the fourth epoch
            signal.raise_signal(signal.SIGINT)
        return draw(self, batch, generator)

    monkeypatch.setattr(Plume, "draw_noise", draw_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run(preset, checkpoint=checkpoint)
    assert checkpoint.exists() and len(steps) == 3 * 8 + 5
    resumed = run(preset, checkpoint=checkpoint)
    assert len(steps) == 6 * 8
    assert len(resumed.history) == 6 and resumed.history == whole.history
    assert (resumed.watched == whole.watched).all()


def test_range_test_gives_a_usable_rate_and_leaves_no_trace() -> None:
    options = FitOptions(epochs=3, learning_rate="auto")
    found = [train(NORMAL, SMALL["paper"], options, 5, CPU, UNSEEN) for _ in range(2)]
    assert found[0].learning_rate == found[1].learning_rate
    assert 1e-6 < found[0].learning_rate < 1e-2
    fixed = FitOptions(epochs=3, learning_rate=found[0].learning_rate)
    assert train(NORMAL, SMALL["paper"], fixed, 5, CPU, UNSEEN).history == found[0].history


def test_features_that_are_not_finite_are_refused() -> None:
    spoilt = NORMAL.clone()
    spoilt[3, 3] = float("nan")
    with pytest.raises(InputError, match="NaN"):
        train(spoilt, SMALL["ours"], FitOptions(), 0, CPU, UNSEEN)


def test_options_lie_over_the_preset() -> None:
    settings = PlumeOptions(preset="paper", lambda_noise=20.0).resolve()
    assert settings == msgspec.structs.replace(PRESETS["paper"], lambda_noise=20.0)

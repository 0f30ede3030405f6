"""The averaged classifier: its weights, its batch norms' statistics, and its place in training."""

import signal
from pathlib import Path

import msgspec
import pytest
import torch

from train.config import FitOptions
from train.plume.average import Average
from train.plume.classifier import Classifier
from train.plume.config import PRESETS
from train.plume.model import Plume
from train.plume.training import Trained, train

CPU = torch.device("cpu")
NORMAL = torch.randn(96, 8, generator=torch.Generator().manual_seed(1)) + 3
WATCHED = torch.randn(20, 8, generator=torch.Generator().manual_seed(2)) + 2


def run(ema: float, preset: str = "ours", checkpoint: Path | None = None) -> Trained:
    settings = msgspec.structs.replace(PRESETS[preset], ema=ema, perturbator_width=6, model_dim=8)
    options = FitOptions(epochs=4, learning_rate=1e-3)
    return train(NORMAL, settings, options, 5, CPU, WATCHED, checkpoint)


def test_after_one_step_it_is_the_weighted_mean_of_the_weights_before_and_after() -> None:
    classifier = Classifier(8)
    average, before = Average(classifier, 0.75), classifier.linear1.weight.detach().clone()
    with torch.no_grad():
        classifier.linear1.weight.add_(torch.randn_like(before))
    average.update(classifier)
    torch.testing.assert_close(average.classifier.linear1.weight, 0.75 * before + 0.25 * classifier.linear1.weight)


def test_its_statistics_are_those_of_its_own_activations() -> None:
    trained = run(0.9)
    model, x = trained.model, trained.model.preparation(NORMAL)
    draw = torch.Generator().manual_seed(8)
    pseudo = torch.cat([model.perturb(x, model.draw_noise(len(x), draw)).pseudo for _ in range(50)])
    with torch.no_grad():
        seen = model.classifier.linear1(torch.cat([x.repeat(50, 1), pseudo]))
    norm = model.classifier.norm1
    assert norm.running_mean is not None and norm.running_var is not None
    torch.testing.assert_close(norm.running_var, seen.var(0), rtol=0.3, atol=0)
    assert (norm.running_var / seen.var(0)).mean().item() == pytest.approx(1, abs=0.05)
    assert (norm.running_mean - seen.mean(0)).abs().max().item() < 0.2 * seen.std().item()


def test_statistics_keep_nothing_of_earlier_epochs() -> None:
    model = Plume(8, msgspec.structs.replace(PRESETS["ours"], whiten=False))
    average = Average(model.classifier, 0.9)
    average.measure(model, NORMAL, 32, 0)
    before = {name: value.clone() for name, value in average.state_dict().items()}
    average.measure(model, NORMAL + 9, 32, 0)
    average.measure(model, NORMAL, 32, 0)
    for name, value in average.state_dict().items():
        assert torch.equal(value, before[name]), name


@pytest.mark.parametrize("preset", ["ours", "reference"])
def test_it_is_what_is_scored_and_what_comes_back_and_training_goes_on_as_without(preset: str) -> None:
    averaged, plain = run(0.9, preset), run(0.0, preset)
    assert averaged.history == plain.history
    assert not (averaged.watched == plain.watched).all()
    with torch.no_grad():
        assert (averaged.model(WATCHED).numpy() == averaged.watched[-1]).all()
    assert not (averaged.model.classifier.linear1.weight == plain.model.classifier.linear1.weight).all()


@pytest.mark.parametrize("preset", ["ours", "reference"])
def test_a_run_stopped_in_the_middle_goes_on_to_the_same_average(
    preset: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run(0.9, preset)
    step, steps = Plume.step, []

    def step_and_stop(self: Plume, features: torch.Tensor, noise: torch.Tensor) -> object:
        steps.append(1)
        if len(steps) == 2 * 3 + 2:  # the second step of the third epoch
            signal.raise_signal(signal.SIGINT)
        return step(self, features, noise)

    monkeypatch.setattr(Plume, "step", step_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run(0.9, preset, tmp_path / "checkpoint.pt")
    resumed = run(0.9, preset, tmp_path / "checkpoint.pt")
    assert len(steps) == 4 * 3
    assert (resumed.watched == whole.watched).all()
    for name, value in resumed.model.state_dict().items():
        assert torch.equal(value, whole.model.state_dict()[name]), name

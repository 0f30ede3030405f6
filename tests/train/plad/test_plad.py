"""PLAD on images: its noise, its losses, and a training that is deterministic and stops cleanly."""

import signal

import msgspec
import numpy as np
import pytest
import torch
from torch import Tensor

from onboard.errors import InputError
from train.plad.config import PladSettings
from train.plad.model import Plad, noise_constraint, perturb
from train.plad.training import Trained, build, train

CPU = torch.device("cpu")
SMALL = PladSettings(epochs=3, batch=16, width=4, latent=8, learning_rate=3e-3)


def pictures(n: int, seed: int, spread: float = 20.0) -> Tensor:
    """Uint8 [n, 32, 32, 3]: a bright disc somewhere on grey noise."""
    draw = np.random.default_rng(seed)
    frames = draw.normal(90, spread, (n, 32, 32, 3))
    rows, columns = np.mgrid[:32, :32]
    for frame in frames:
        y, x = draw.integers(10, 22, 2)
        frame[(rows - y) ** 2 + (columns - x) ** 2 < 49] += 100
    return torch.from_numpy(frames.clip(0, 255).astype(np.uint8))


NORMAL, WATCHED = pictures(48, 1), pictures(20, 2)


def run(seed: int = 0, settings: PladSettings = SMALL) -> Trained:
    return train(NORMAL, settings, seed, CPU, WATCHED)


def test_noise_at_its_targets_changes_nothing_and_costs_nothing() -> None:
    x = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    one, nothing = torch.ones_like(x), torch.zeros_like(x)
    torch.testing.assert_close(perturb(x, one, nothing), x)
    torch.testing.assert_close(perturb(x, 2 * one, 3 * one), 2 * x + 3)
    assert noise_constraint(one, nothing, SMALL).item() == 0
    assert noise_constraint(one + 0.5, nothing + 0.5, SMALL).item() == pytest.approx(0.5 * 3 * 32 * 32)
    mean = msgspec.structs.replace(SMALL, noise_norm="mean_square")
    assert noise_constraint(one + 0.5, nothing + 0.5, mean).item() == pytest.approx(0.5)


def test_normal_images_are_normalised_by_their_own_statistics_in_rgb_order() -> None:
    x = build(NORMAL, SMALL, 0).normalise(NORMAL)
    assert x.shape == (48, 3, 32, 32)
    torch.testing.assert_close(x.mean(dim=(0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-4)
    torch.testing.assert_close(x.std(dim=(0, 2, 3)), torch.ones(3), rtol=0, atol=1e-4)
    blue = NORMAL[..., 2].float()
    torch.testing.assert_close(x[:, 2], (blue - blue.mean()) / blue.std(), rtol=1e-3, atol=1e-3)


def test_total_is_the_weighted_sum() -> None:
    settings = msgspec.structs.replace(SMALL, lambda_noise=3.0, nu_kl=0.5)
    losses = build(NORMAL, settings, 0).step(NORMAL[:8], torch.zeros(8, 8))
    wanted = losses.classification + 3 * losses.noise + 0.5 * losses.kl
    torch.testing.assert_close(losses.total, wanted)


def test_same_seed_same_logits_and_another_seed_others() -> None:
    first = run()
    torch.rand(7)  # the global generator is no part of the seed
    second = run()
    assert first.watched.dtype == np.float32 and first.watched.shape == (3, 20)
    assert (first.watched == second.watched).all() and first.history == second.history
    assert not (run(seed=1).watched == first.watched).all()
    assert not first.model.training


def test_it_learns_to_tell_its_pseudo_anomalies_and_high_is_normal() -> None:
    trained = run(settings=msgspec.structs.replace(SMALL, epochs=15, lambda_noise=0.01))
    model, x = trained.model, trained.model.normalise(NORMAL)
    with torch.no_grad():
        alpha, beta, _, _ = model.perturbator(x, torch.zeros(48, 8))
        normal, odd = model(NORMAL), model.classifier(perturb(x, alpha, beta))
    assert normal.mean() > 0.3 and odd.mean() < -0.3
    assert trained.history[-1]["classification"] < 0.5 * trained.history[0]["classification"]


def test_watched_images_are_scored_each_by_itself_as_the_model_that_comes_back_does() -> None:
    trained = run()
    with torch.no_grad():
        np.testing.assert_allclose(trained.model(WATCHED[:5]).numpy(), trained.watched[-1, :5], atol=1e-5)


def test_ctrl_c_ends_it_after_the_step_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    step, steps = Plad.step, []

    def step_and_stop(self: Plad, images: Tensor, noise: Tensor) -> object:
        steps.append("begun")
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        losses = step(self, images, noise)
        steps.append("ended")
        return losses

    monkeypatch.setattr(Plad, "step", step_and_stop)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert steps == ["begun", "ended"] * 2


@pytest.mark.parametrize(
    "images,watched,said",
    [
        (NORMAL.float(), WATCHED, "images: uint8"),
        (NORMAL, WATCHED[:, :16], "watched: uint8"),
        (NORMAL[:1], WATCHED, "at least 2"),
    ],
)
def test_images_that_it_cannot_take_are_refused(images: Tensor, watched: Tensor, said: str) -> None:
    with pytest.raises(InputError, match=said):
        train(images, SMALL, 0, CPU, watched)


def test_settings_are_tagged_and_strict() -> None:
    assert msgspec.json.decode(b'{"kind": "plad", "epochs": 2}', type=PladSettings).epochs == 2
    for wrong in (b'{"kind": "plad", "epoch": 2}', b'{"kind": "plad", "epochs": 0}', b'{"kind": "plume"}'):
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(wrong, type=PladSettings)

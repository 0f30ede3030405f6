"""AdamW from the factors of the gradients: the same weights as torch's, resumable, and nothing left behind."""

import copy

import msgspec
import pytest
import torch
from torch import Tensor

from train.plume import lean_adamw, linear
from train.plume.config import PRESETS
from train.plume.descent import descend
from train.plume.lean_adamw import LeanAdamW
from train.plume.model import Plume


@pytest.fixture(autouse=True)
def every_layer_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "_LARGE", 1)
    monkeypatch.setattr(lean_adamw, "_BLOCK", 100)  # several blocks a layer, the last one shorter


def small(preset: str) -> Plume:
    settings = msgspec.structs.replace(PRESETS[preset], model_dim=23, perturbator_width=7)
    torch.manual_seed(3)
    return Plume(23, settings).double().train()


def batch(model: Plume, seed: int) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    return torch.randn(6, 23, generator=draw, dtype=torch.float64), model.draw_noise(6, draw)


@pytest.mark.parametrize("preset", ["reference", "paper"])  # two uses of the classifier's layers a step, and one
def test_same_weights_and_state_as_torch(preset: str) -> None:
    plain, lean = small(preset), small(preset)
    usual = torch.optim.AdamW(plain.parameters(), lr=1e-3, weight_decay=0.1)
    ours = LeanAdamW(lean, 1e-3, 0.1)
    for step in range(4):
        for group in (*usual.param_groups, *ours.param_groups):  # as the one-cycle schedule does
            group["lr"], group["betas"] = 1e-3 * (step + 1), (0.9 - 0.02 * step, 0.999)
        usual.zero_grad()
        plain.step(*batch(plain, step)).losses.total.backward()
        usual.step()
        descend(lean, ours, *batch(lean, step))
        assert lean.perturbator is not None and lean.perturbator.encoder.weight.grad is None
    # An element whose gradient is all rounding moves by its sign: hence the absolute tolerance.
    for (name, wanted), found in zip(plain.named_parameters(), lean.parameters(), strict=True):
        torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-8, msg=name)
    for wanted, found in zip(plain.parameters(), lean.parameters(), strict=True):
        assert usual.state[wanted].keys() == ours.state[found].keys()
        torch.testing.assert_close(ours.state[found]["exp_avg"], usual.state[wanted]["exp_avg"], rtol=1e-6, atol=1e-9)
        assert float(ours.state[found]["step"]) == float(usual.state[wanted]["step"]) == 4


def test_goes_on_from_a_saved_state_to_the_same_bits() -> None:
    model = small("paper")
    optimiser = LeanAdamW(model, 1e-3, 0.1)
    descend(model, optimiser, *batch(model, 0))
    other = small("paper")
    other.load_state_dict(copy.deepcopy(model.state_dict()))
    resumed = LeanAdamW(other, 1e-3, 0.1)
    resumed.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    for step in (1, 2):
        descend(model, optimiser, *batch(model, step))
        descend(other, resumed, *batch(other, step))
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), other.parameters(), strict=True))


def test_a_backward_pass_without_a_step_is_forgotten() -> None:
    model = small("reference")
    optimiser = LeanAdamW(model, 1e-3, 0.1)
    model.step(*batch(model, 0)).losses.total.backward()
    assert len(model.classifier.linear1.factors) == 2
    optimiser.zero_grad()
    assert not model.classifier.linear1.factors
    descend(model, optimiser, *batch(model, 1))
    assert not model.classifier.linear1.factors
    with torch.no_grad():
        model.step(*batch(model, 2))
    assert not model.classifier.linear1.factors

"""One training step against the recorded numbers of the paper's reference implementation."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from train.plume import losses
from train.plume.config import PRESETS
from train.plume.model import Plume, Step

OURS = {  # the recorded names, and ours
    "vae.fc1": "perturbator.encoder",
    "vae.fc2": "perturbator.mean",
    "vae.fc3": "perturbator.log_variance",
    "vae.fc4": "perturbator.decoder",
    "vae.fc5": "perturbator.output",
    "classifier.fc1.0": "classifier.linear1",
    "classifier.fc1.1": "classifier.norm1",
    "classifier.fc1.3": "classifier.linear2",
    "classifier.fc1.4": "classifier.norm2",
    "classifier.fc2": "classifier.linear3",
    "batch_norm": "preparation.norm",
}


def our_name(recorded: str) -> str:
    stem, _, leaf = recorded.rpartition(".")
    return f"{OURS[stem]}.{leaf}"


@pytest.fixture(scope="module")
def recorded(shared_folder) -> dict[str, Any]:
    path = shared_folder / "reference" / "plume_step.json"
    if not path.exists():
        pytest.skip(f"the reference numbers are not here ({path.name} in shared/reference)")
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def run(recorded) -> tuple[Plume, Tensor, Step]:
    draw = np.random.Generator(np.random.PCG64(20250228))
    drawn = {name: torch.from_numpy(draw.standard_normal(shape) * scale) for name, shape, scale in recorded["draws"]}
    features = drawn.pop("features (then absolute value)").abs()
    noise = drawn.pop("eps of the reparametrisation")
    model = Plume(recorded["feature_dim"], PRESETS["reference"]).double().train()
    state = {our_name(name): value for name, value in drawn.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert not unexpected and all("running" in m or "batches" in m or m == "temperature" for m in missing)
    step = model.step(features, noise)
    step.losses.total.backward()
    return model, features, step


def same(found: float | Tensor, wanted: float | list[float]) -> None:
    np.testing.assert_allclose(torch.as_tensor(found).detach().numpy(), wanted, rtol=1e-9, atol=0)


def test_losses(run, recorded) -> None:
    _, _, step = run
    wanted = recorded["losses"]
    same(step.losses.classification, wanted["classification"])
    same(step.losses.kl, wanted["kl"])
    same(step.losses.noise, wanted["noise"])
    same(step.losses.contrast, wanted["contrastive"])
    same(step.losses.total, wanted["total"])
    same(losses.mean_contrast(step.normal_embedding, step.anomalous_embedding), wanted["mean_contrastive"])


def test_intermediate_values(run, recorded) -> None:
    _, _, step = run
    assert step.alpha is not None and step.beta is not None
    same(step.alpha.norm(dim=1), recorded["alpha_norm"])
    same(step.beta.norm(dim=1), recorded["beta_norm"])
    same(step.normal_logits, recorded["logits_normal"])
    same(step.anomalous_logits, recorded["logits_pseudo_anomalies"])
    same(step.normal_embedding.norm(dim=1), recorded["embedding_norm_normal"])
    same(step.anomalous_embedding.norm(dim=1), recorded["embedding_norm_pseudo_anomalies"])


def test_gradients(run, recorded) -> None:
    parameters = dict(run[0].named_parameters())
    assert len(recorded["gradient_norms"]) == len(parameters)
    for name, wanted in recorded["gradient_norms"].items():
        gradient = parameters[our_name(name)].grad
        assert gradient is not None
        same(gradient.norm(), wanted)


def test_running_statistics_and_evaluation(run, recorded) -> None:
    model, features, _ = run
    buffers = dict(model.named_buffers())
    for name, wanted in recorded["running_mean_norm_after_step"].items():
        same(buffers[f"{OURS[name]}.running_mean"].norm(), wanted)
    with torch.no_grad():
        same(model.eval()(features), recorded["eval_logits_after_one_step_of_running_stats"])

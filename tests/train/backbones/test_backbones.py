"""Backbones: frozen, named stages, real weights, and errors that tell what to do."""

from pathlib import Path

import pytest
import torch

from onboard.errors import InputError
from train.backbones.registry import NAMES, BackboneOptions, load

X = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", [n for n in NAMES if not n.endswith("lite0")] + ["regnety_002"])
def test_every_backbone_gives_maps_and_averages_by_name(name: str) -> None:
    loaded = load(BackboneOptions(name=name, weights="random"))
    maps, vectors = loaded.module.maps(X), loaded.module(X)
    assert {"pooled", "pooled_std"} <= set(vectors) and 2 * len(maps) == len(vectors)
    last = list(maps.values())[-1]
    torch.testing.assert_close(vectors["pooled_std"], last.std(dim=(2, 3), correction=0), atol=1e-5, rtol=1e-4)
    for stage, vector in zip(maps.values(), list(vectors.values())[: len(maps)], strict=True):
        assert stage.ndim == 4
        torch.testing.assert_close(vector, stage.mean(dim=(2, 3)))
    assert loaded.module.channels() == {name: v.shape[1] for name, v in vectors.items()}


def test_the_backbone_stays_frozen() -> None:
    module = load(BackboneOptions()).module
    before = {name: value.clone() for name, value in module.state_dict().items()}
    module.train()
    module(X)
    assert not module.training and not any(p.requires_grad for p in module.parameters())
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


def test_vectors_lengths_are_known_wherever_the_module_lies() -> None:
    """Torch's device without memory stands for a GPU, on which a module stays once it has been used there."""
    module = load(BackboneOptions(name="mobilenet_v2", weights="random")).module
    there = module.channels()
    assert module.to("meta").channels() == there


def test_lite0_has_its_imagenet_weights() -> None:
    """A backbone that was given other or shuffled weights would not have these channel counts and statistics."""
    import timm

    loaded = load(BackboneOptions())
    assert loaded.module.channels()["stage5"] == 112 and loaded.module.channels()["pooled"] == 1280
    assert loaded.weights_source.startswith("efficientnet-lite0-57934424.pth sha256:57934424")
    # The chain of parts is timm's own forward pass.
    model = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    own = model.state_dict()
    parts = loaded.module.parts
    chain = {f"conv_stem.{k}": v for k, v in parts[0][0].state_dict().items()}
    chain |= {f"bn1.{k}": v for k, v in parts[0][1].state_dict().items()}
    for i in range(7):
        chain |= {f"blocks.{i}.{k}": v for k, v in parts[i + 1].state_dict().items()}
    chain |= {f"conv_head.{k}": v for k, v in parts[8][0].state_dict().items()}
    chain |= {f"bn2.{k}": v for k, v in parts[8][1].state_dict().items()}
    model.load_state_dict(own | chain)
    with torch.inference_mode():
        torch.testing.assert_close(model.forward_features(X).mean((2, 3)), loaded.module(X)["pooled"])


def test_unknown_backbone_names_the_near_ones() -> None:
    with pytest.raises(InputError, match=r"'resnet5O' is not known.*resnet50"):
        load(BackboneOptions(name="resnet5O"))


def test_missing_weights_say_which_file_to_put_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))

    def no_network(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("torch.hub.download_url_to_file", no_network)
    with pytest.raises(InputError, match=r"Put the file resnet18-f37072fd\.pth .* into .*checkpoints"):
        load(BackboneOptions(name="resnet18"))


@pytest.mark.parametrize("name", ["regnety_002", "convnext_atto"])
def test_a_timm_classifiers_file_gives_its_own_features(name: str, tmp_path: Path) -> None:
    import timm

    torch.manual_seed(3)
    model = timm.create_model(name).eval()
    path = tmp_path / "whole.pth"
    torch.save(model.state_dict(), path)
    loaded = load(BackboneOptions(name=name, weights=str(path)))
    with torch.inference_mode():
        last = model.forward_intermediates(X, intermediates_only=True)[-1]
        torch.testing.assert_close(loaded.module(X)["pooled"], last.mean(dim=(2, 3)))
    torch.save({"other": torch.zeros(2)}, path)
    with pytest.raises(InputError, match=r"whole\.pth: the weights do not fit"):
        load(BackboneOptions(name=name, weights=str(path)))


def test_weights_files_are_checked_and_recorded(tmp_path: Path) -> None:
    whole = load(BackboneOptions(name="resnet18", weights="random"))
    import torchvision

    torch.manual_seed(1)
    state = torchvision.models.resnet18().state_dict()
    path = tmp_path / "mine.pth"
    torch.save(state, path)
    mine = load(BackboneOptions(name="resnet18", weights=str(path)))
    assert mine.weights_source.startswith("mine.pth sha256:") and mine.weights_sha256 != whole.weights_sha256

    state["layer1.0.conv1.weight"][0, 0, 0, 0] = float("nan")
    torch.save(state, path)
    with pytest.raises(InputError, match=r"mine\.pth.*tensor 'parts\.1\.0\.conv1\.weight' holds 1 NaN"):
        load(BackboneOptions(name="resnet18", weights=str(path)))
    with pytest.raises(InputError, match=r"mine\.pth: the weights do not fit"):
        load(BackboneOptions(name="resnet50", weights=str(path)))
    path.write_bytes(b"not weights")
    with pytest.raises(InputError, match=r"mine\.pth: not a file of weights"):
        load(BackboneOptions(name="resnet18", weights=str(path)))
    with pytest.raises(InputError, match=r"gone\.pth: no such weights file"):
        load(BackboneOptions(name="resnet18", weights=str(tmp_path / "gone.pth")))

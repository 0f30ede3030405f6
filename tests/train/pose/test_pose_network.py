"""The reference pose network: its outputs, its file, its training, and its trunk as a backbone."""

from pathlib import Path

import msgspec
import numpy as np
import onnxruntime
import pytest
import torch

from onboard.errors import InputError
from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.pose import command, frames, geometry, training
from train.pose.config import PoseConfig
from train.pose.export import write_onnx
from train.pose.network import matrix_to_quaternion, network_and_normalisation, reference_pose_network
from train.synth import config as synth_config
from train.synth import rotation as synth_rotation
from train.synth.config import SynthConfig
from train.synth.dataset import render


@pytest.mark.parametrize(
    ("trunk", "opset", "batches"),
    [("efficientnet_lite0", 17, {False: 1, True: 2}), ("resnet18", 11, {True: 2}), ("resnet18", 20, {False: 1})],
)
def test_file_gives_what_the_module_gives(trunk: str, opset: int, batches: dict[bool, int], tmp_path: Path) -> None:
    """`batches`: how many images a file takes here, by whether its batch is open."""
    network = reference_pose_network(trunk)
    image = torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        expected = [value.numpy() for value in network(image)]
    for dynamic, batch in batches.items():
        path = tmp_path / f"{dynamic}.onnx"
        write_onnx(network, path, opset, dynamic)
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
        assert [output.name for output in session.get_outputs()] == ["rotation", "translation"]
        assert session.get_inputs()[0].shape[0] == ("batch" if dynamic else 1)
        for found, wanted in zip(session.run(None, {"image": image[:batch].numpy()}), expected, strict=True):
            np.testing.assert_allclose(found, wanted[:batch], atol=2e-5)


def test_quaternions_of_matrices() -> None:
    draw = np.random.default_rng(2)
    quaternions = [*draw.standard_normal((200, 4)), *np.eye(4), [0, 1, -1, 0], [1, -1, 1, -1], [0, 1, 1, -1]]
    matrices = torch.tensor(np.array([synth_rotation.matrix(np.array(q, float)) for q in quaternions]))
    found = matrix_to_quaternion(matrices).numpy()
    expected = np.array([np.array(q) / np.linalg.norm(q) for q in quaternions])
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, atol=1e-9)
    np.testing.assert_allclose(np.abs((found * expected).sum(1)), 1, atol=1e-9)


def test_loss_does_not_see_the_quaternions_sign() -> None:
    draw = torch.Generator().manual_seed(3)
    a, b = (torch.nn.functional.normalize(torch.randn(5, 4, generator=draw), dim=1) for _ in range(2))
    zero = torch.zeros(5, 3)
    assert training.loss(a, zero, b, zero) == training.loss(-a, zero, b, zero) > 0.1
    assert training.loss(a, zero, -a, zero) < 1e-6


def test_quarter_turn_is_a_turn_of_the_camera() -> None:
    draw = np.random.default_rng(4)
    q, position = synth_rotation.quaternion(synth_rotation.uniform(draw)), np.array([1.0, -2.0, 20.0])
    view = torch.tensor([[30.0, -70.0, 120.0, 400.0]])
    units = geometry.to_units(torch.tensor(position, dtype=torch.float32)[None], view)[0]
    crop = torch.zeros(3, 8, 8)
    crop[:, 1, 6] = 1  # above, right
    turned, rotation, moved = geometry.quarter_turn(crop, torch.tensor(q, dtype=torch.float32), units, 1)
    assert turned[0, 1, 1] == 1  # above, left
    about = np.array([[0, 1, 0], [-1, 0, 0], [0, 0, 1]])  # right goes up, down goes right
    expected = synth_rotation.quaternion(about @ synth_rotation.matrix(q))
    assert abs(float(rotation.numpy() @ expected)) == pytest.approx(1, abs=1e-6)
    view_turned = torch.tensor([[-70.0, -30.0, 120.0, 400.0]])
    np.testing.assert_allclose(geometry.to_metres(moved[None], view_turned)[0], about @ position, atol=1e-4)


@pytest.mark.parametrize("trunk", ["efficientnet_lite0", "resnet18", "mobilenet_v2"])
def test_trunk_is_a_backbone(trunk: str, tmp_path: Path) -> None:
    network = reference_pose_network(trunk)
    with torch.no_grad():
        for number, parameter in enumerate(network.trunk.parameters()):
            parameter.add_(0.01 * (number % 3))
    torch.save(command.trunk_state(trunk, network.trunk), tmp_path / "trunk.pt")
    loaded = registry.load(BackboneOptions(trunk, str(tmp_path / "trunk.pt"))).module
    for (name, found), expected in zip(loaded.state_dict().items(), network.trunk.state_dict().values(), strict=True):
        assert torch.equal(found, expected), name


@pytest.fixture(scope="module")
def config(rendered: tuple[Path, SynthConfig], tmp_path_factory: pytest.TempPathFactory) -> PoseConfig:
    """One track of thirty frames to train on, one held out: two steps in each of two epochs."""
    path = tmp_path_factory.mktemp("pose") / "synth.yaml"
    path.write_bytes(msgspec.yaml.encode(rendered[1]))
    return PoseConfig(str(path), held_out_tracks=1, epochs=2, batch=15)


@pytest.fixture
def small_crops(monkeypatch: pytest.MonkeyPatch) -> None:
    """Crops of 64 px, on which a step takes a tenth of its time; the network averages over whatever it is shown."""
    monkeypatch.setattr("train.pose.config.INPUT_PX", 64)


@pytest.mark.usefixtures("small_crops")
def test_training_goes_on_to_the_same_weights(
    config: PoseConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command.pose(config, tmp_path / "through")
    stops = _Stopping(after=3)  # in the second epoch
    with monkeypatch.context() as patch:
        patch.setattr(training, "Interruptible", lambda: stops)
        with pytest.raises(KeyboardInterrupt):
            command.pose(config, tmp_path / "stopped")
    assert not (tmp_path / "stopped" / command.ONNX).exists()
    other = msgspec.structs.replace(config, learning_rate=2e-3)
    with pytest.raises(InputError, match="another configuration"):
        command.pose(other, tmp_path / "stopped")
    command.pose(config, tmp_path / "stopped")
    whole, resumed = (torch.load(tmp_path / name / command.TRUNK) for name in ("through", "stopped"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)
    graphs = [(tmp_path / name / command.ONNX).read_bytes() for name in ("through", "stopped")]
    assert graphs[0] == graphs[1]


class _Stopping:
    """Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        self.left = after

    def __enter__(self) -> "_Stopping":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    @property
    def asked(self) -> bool:
        self.left -= 1
        return self.left == 0


@pytest.mark.usefixtures("small_crops")
def test_training_reduces_the_loss(config: PoseConfig, tmp_path: Path) -> None:
    network, norm = network_and_normalisation(config.trunk, config.weights, 0)
    folder = render(synth_config.load(Path(config.synth)), progress=False)
    fit = frames.read(frames.satellite_tracks(folder)[:1], config.crop)
    longer = msgspec.structs.replace(config, epochs=3, batch=10)
    losses = training.train(network, norm, fit, longer, tmp_path / "checkpoint.pt", "x")
    assert np.mean(losses[-3:]) < 0.7 * losses[0], losses

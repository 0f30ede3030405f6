"""A node with a public key flies only what the key's owner has signed."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard import files
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.event import Events
from onboard.fly.config import NodeConfig
from onboard.fly.guard import Guard
from onboard.fly.opening import ways
from onboard.health.choice import Choice, Chosen
from onboard.signing import PublicKey, signature_of
from tests.onboard.fly.conftest import BOX, picture, settle
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import moody as moody
from tests.onboard.fly.conftest import small as small
from tests.onboard.small_flight import write_bundle
from tests.onboard.trt.worlds import MakeWorld
from tests.onboard.trt.worlds import make_world as make_world
from train.signing import make_keys, sign

pytest.importorskip("cryptography")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_keys(tmp_path_factory.mktemp("keys"))


@pytest.fixture
def signed(small: Path, tmp_path: Path, keys: tuple[Path, Path]) -> Path:
    folder = Path(shutil.copytree(small, tmp_path / "signed"))
    sign(folder, keys[0])
    return folder


def test_a_signed_bundle_flies_and_every_other_is_refused_with_its_remedy(
    signed: Path, tmp_path: Path, keys: tuple[Path, Path]
) -> None:
    key = PublicKey.load(keys[1])
    Detector.load(signed, key=key)

    def refusal(spoil: Callable[[Path], object], by: PublicKey = key) -> str:
        folder = Path(shutil.copytree(signed, tmp_path / "spoilt", dirs_exist_ok=True))
        spoil(folder / "manifest.yaml")
        with pytest.raises(InputError) as error:
            Detector.load(folder, key=by)
        assert "python -m train sign" in str(error.value)
        return str(error.value)

    def altered(manifest: Path) -> None:
        text = manifest.read_text().replace("logit_tolerance: 0.0001", "logit_tolerance: 0.001")
        assert text != manifest.read_text()
        manifest.write_text(text)
        (manifest.parent / "manifest.sha256").write_text(files.sha256(manifest))  # as whoever alters it would do

    other = make_keys(tmp_path / "other")
    assert "not signed" in refusal(lambda manifest: signature_of(manifest).unlink())
    assert "altered since" in refusal(altered)
    assert "fewer" in refusal(lambda manifest: signature_of(manifest).write_bytes(b"x" * 63))
    assert "more" in refusal(lambda manifest: signature_of(manifest).write_bytes(b"x" * 65))
    assert "another key's" in refusal(lambda _: None, PublicKey.load(other[1]))
    second = write_bundle(tmp_path / "second", (64,)) / "manifest.yaml"
    sign(second.parent, keys[0])
    assert "another file's" in refusal(lambda manifest: shutil.copy(signature_of(second), signature_of(manifest)))


def test_a_key_file_that_is_no_public_ed25519_key_is_refused(tmp_path: Path, keys: tuple[Path, Path]) -> None:
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    of_public = Encoding.PEM, PublicFormat.SubjectPublicKeyInfo
    other = X25519PrivateKey.generate().public_key().public_bytes(*of_public)
    for data, said in (
        (keys[0].read_bytes(), "never goes on board"),
        (b"noise", "no public key"),
        (other, "no Ed25519 key"),
        (bytes(5000), "more than 4096"),
    ):
        (tmp_path / "key.pem").write_bytes(data)
        with pytest.raises(InputError, match=said):
            PublicKey.load(tmp_path / "key.pem")
    with pytest.raises(InputError, match="cannot be read"):
        PublicKey.load(tmp_path / "absent.pem")


def test_a_reload_in_flight_looks_at_the_signature_again(
    configured: Callable[..., NodeConfig], moody: Path, keys: tuple[Path, Path]
) -> None:
    sign(moody, keys[0])
    strict = {"in_a_row": 1, "reloads": 2}
    config = configured(bundle=str(moody), signature__public_key=str(keys[1]), invalid=strict)
    events, choice = Events(), Choice(str(moody))
    guard = Guard(Chosen(choice, (choice,)), ways(config), config, events)
    assert guard(picture(0, 60), BOX).reason == "invalid_output"
    guard.mend()
    settle(guard)
    assert [event.name for event in events.take()] == ["engine_reloaded"]
    assert signature_of(moody / "manifest.yaml") in guard.flown.files()  # storage is scrubbed for it
    signature_of(moody / "manifest.yaml").unlink()
    assert guard(picture(1, 60), BOX).reason == "invalid_output"
    guard.mend()
    settle(guard)
    told = events.take()
    assert [event.name for event in told] == [
        "reload_failed",
        "debris_given_up",
    ]  # and the poses go on
    assert "not signed" in told[0].detail


def test_an_engine_has_to_be_signed_as_its_bundle_is(make_world: MakeWorld, keys: tuple[Path, Path]) -> None:
    world, key = make_world(), PublicKey.load(keys[1])
    sign(world.bundle, keys[0])
    with pytest.raises(InputError, match=r"engine\.yaml: not signed"):
        Detector.load(world.bundle, engine=world.engine, key=key)
    sign(world.engine, keys[0])
    detector = Detector.load(world.bundle, engine=world.engine, key=key)
    assert world.engine / "engine.yaml.sig" in detector.engine.files()  # storage is scrubbed for it
    manifest = world.engine / "engine.yaml"
    manifest.write_text(manifest.read_text() + "\n")
    with pytest.raises(InputError, match="altered since"):
        Detector.load(world.bundle, engine=world.engine, key=key)

"""Keys and signatures on the ground: nothing is overwritten, nothing broken is signed, OpenSSL agrees."""

import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from onboard import bundle as bundles
from onboard.errors import InputError
from onboard.signing import PublicKey, signature_of
from tests.onboard.small_flight import write_bundle
from train.__main__ import main
from train.signing import make_keys, sign

pytest.importorskip("cryptography")


def test_a_key_pair_is_made_once_and_only_its_owner_reads_the_private_one(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path / "keys")
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes(), public.read_bytes()
    assert main(["keys", str(tmp_path / "keys")]) == 2
    private.rename(tmp_path / "moved.pem")
    assert main(["keys", str(tmp_path / "keys")]) == 2  # the public one is there still
    assert ((tmp_path / "moved.pem").read_bytes(), public.read_bytes()) == before
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["public.pem"]


def test_a_signed_bundle_is_believed_and_openssl_agrees(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    folder = write_bundle(tmp_path / "bundle", (64,))
    assert main(["sign", str(folder), "--key", str(private)]) == 0
    assert bundles.read(folder, PublicKey.load(public)).key is not None
    if shutil.which("openssl"):
        manifest = folder / "manifest.yaml"
        asked = ["-rawin", "-in", manifest, "-sigfile", signature_of(manifest)]
        subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", public, *asked], check=True)


def test_a_broken_bundle_or_a_key_that_others_may_read_signs_nothing(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    folder = write_bundle(tmp_path / "bundle", (64,))
    (folder / "model.onnx").write_bytes(b"")
    with pytest.raises(InputError, match="altered"):
        sign(folder, private)
    folder = write_bundle(tmp_path / "sound", (64,))
    private.chmod(0o640)
    with pytest.raises(InputError, match="chmod 600"):
        sign(folder, private)
    public.chmod(0o600)
    with pytest.raises(InputError, match="no private key"):
        sign(folder, public)
    assert not list(tmp_path.rglob("*.sig"))


def test_what_rewrites_a_manifest_voids_its_signature(tmp_path: Path) -> None:
    private, public = make_keys(tmp_path)
    folder = write_bundle(tmp_path / "bundle", (64,))
    sign(folder, private)
    bundles.write_manifest(folder, bundles.read(folder).manifest)
    with pytest.raises(InputError, match="not signed"):
        bundles.read(folder, PublicKey.load(public))

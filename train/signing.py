"""The ground's side of signatures: key pairs, and signing what has been checked."""

import hashlib
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from onboard import bundle as bundles
from onboard import files
from onboard.errors import InputError
from onboard.signing import PublicKey, pem, signature_of
from onboard.trt import manifest as engines

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PRIVATE, PUBLIC = "private.pem", "public.pem"
_INSTALL = "signing needs the package cryptography, which is not installed; pip install '.[sign]'"


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Make an Ed25519 key pair in PEM; nothing is overwritten, and only the owner can read the private one.

    Returns:
        Where the private and the public key are.

    Raises:
        InputError: one of the files is there already, or the package cryptography is absent.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    except ImportError as error:
        raise InputError(_INSTALL) from error
    private, public = folder / PRIVATE, folder / PUBLIC
    folder.mkdir(parents=True, exist_ok=True)
    for path in (private, public):
        if path.exists() or path.is_symlink():
            raise InputError(f"{path}: there already, and a key is never overwritten; give another folder")
    key = Ed25519PrivateKey.generate()
    encoding = serialization.Encoding.PEM
    plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    _write_new(private, key.private_bytes(encoding, *plain), 0o600)
    of_public = serialization.PublicFormat.SubjectPublicKeyInfo
    _write_new(public, key.public_key().public_bytes(encoding, of_public), 0o644)
    return private, public


def sign(folder: Path, private: Path) -> Path:
    """Sign a bundle's manifest, or an engine's, once all that it names has been checked.

    Args:
        folder: of a bundle or of an engine.
        private: PEM file with the Ed25519 private key.

    Returns:
        The signature's file.

    Raises:
        InputError: the folder holds neither, a file differs from its hash, or the key cannot be used.
    """
    key = _private_key(private)
    if (folder / engines.MANIFEST).exists():
        path = folder / engines.MANIFEST
        data = path.read_bytes()
        remedy = "build it again with 'python -m onboard build'"
        engines.check_hash(folder / engines.ENGINE, engines.EngineManifest.of(data, path), remedy)
    else:
        path, bundle = folder / bundles.MANIFEST, bundles.read(folder)
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != bundle.sha256:
            raise InputError(f"{path}: another process changed it meanwhile; start again")
    place = signature_of(path)
    files.write_bytes(place, key.sign(data))
    PublicKey(private, key.public_key()).check(path, path.read_bytes())
    return place


def _private_key(path: Path) -> "Ed25519PrivateKey":
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key
    except ImportError as error:
        raise InputError(_INSTALL) from error
    data = pem(path)
    if (mode := stat.S_IMODE(path.stat().st_mode)) & 0o077:
        raise InputError(f"{path}: others than its owner may use this private key (mode {mode:o}); chmod 600 {path}")
    try:
        key = load_pem_private_key(data, None)
    except TypeError as error:
        raise InputError(f"{path}: encrypted; 'openssl pkey -in {path}' writes it as plain PEM") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{path}: no private key in PEM; 'python -m train keys FOLDER' makes one") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: no Ed25519 key; 'python -m train keys FOLDER' makes one")
    return key


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Write a file that must not be there; it is whole or absent, and never more open than `mode`."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(beside, path)  # unlike a rename, refuses a file that has come meanwhile
    except FileExistsError as error:
        raise InputError(f"{path}: there already, and a key is never overwritten; give another folder") from error
    finally:
        beside.unlink()

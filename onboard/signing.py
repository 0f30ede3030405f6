"""Ed25519 signatures of manifests. A manifest names the hash of every file beside it, so its signature covers them all.

The signature of FILE is FILE.sig: 64 bytes over the very bytes of FILE, which OpenSSL checks as well.
"""

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from onboard import files
from onboard.errors import InputError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SUFFIX, SIGNATURE_BYTES = ".sig", 64
_MOST_KEY_BYTES = 4096
_INSTALL = "needs the package cryptography, which is not installed; pip install 'debris-rider[sign]'"


class SignatureConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What a node believes.

    Attributes:
        public_key: PEM file, as `python -m train keys` writes it; null: unsigned bundles fly. It is read once, at the
            start.
    """

    public_key: str | None = None

    def key(self) -> "PublicKey | None":
        """The key; None: signatures are not looked at.

        Raises:
            InputError: the file is no such key.
        """
        return None if self.public_key is None else PublicKey.load(Path(self.public_key))


class PublicKey:
    """Says whether a file's bytes are those that the owner of the private key signed.

    Args:
        path: where the key came from, which errors name.
        key: it.
    """

    def __init__(self, path: Path, key: "Ed25519PublicKey") -> None:
        self._path, self._key = path, key

    @classmethod
    def load(cls, path: Path) -> "PublicKey":
        """Read a key.

        Raises:
            InputError: the file cannot be read or holds no Ed25519 public key, or the package cryptography is absent.
        """
        try:
            from cryptography.exceptions import UnsupportedAlgorithm
            from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
            from cryptography.hazmat.primitives.serialization import load_pem_public_key
        except ImportError as error:
            raise InputError(f"{path}: checking signatures {_INSTALL}") from error
        data = pem(path)
        if b"PRIVATE KEY" in data:
            raise InputError(f"{path}: a private key, which never goes on board; give the public one beside it")
        try:
            key = load_pem_public_key(data)
        except (ValueError, UnsupportedAlgorithm) as error:
            raise InputError(f"{path}: no public key in PEM; 'python -m train keys FOLDER' makes a pair") from error
        if not isinstance(key, Ed25519PublicKey):
            raise InputError(f"{path}: no Ed25519 key; 'python -m train keys FOLDER' makes a pair")
        return cls(path, key)

    def check(self, path: Path, data: bytes) -> None:
        """Check a file's signature.

        Args:
            path: the file; its signature lies beside it.
            data: its bytes, as they were read and will be used.

        Raises:
            InputError: there is no signature, or it is another key's or another file's.
        """
        from cryptography.exceptions import InvalidSignature

        place = signature_of(path)
        remedy = f"sign it on the ground: python -m train sign {path.parent} --key PRIVATE.pem"
        try:
            with files.open_regular(place) as file:
                signature = file.read(SIGNATURE_BYTES + 1)
        except OSError as error:
            raise InputError(
                f"{path}: not signed ({place.name}: {error.strerror}), but only what the owner of {self._path} signed "
                f"is flown; {remedy}"
            ) from error
        if len(signature) != SIGNATURE_BYTES:
            raise InputError(
                f"{place}: a signature has {SIGNATURE_BYTES} bytes, this file has "
                f"{'fewer' if len(signature) < SIGNATURE_BYTES else 'more'}; copy it again, or {remedy}"
            )
        try:
            self._key.verify(signature, data)
        except InvalidSignature as error:
            raise InputError(
                f"{place}: not a signature of {path.name} by the owner of {self._path}: another key's, another "
                f"file's, or {path.name} was altered since; copy both again, or {remedy}"
            ) from error


def signature_of(path: Path) -> Path:
    """Where a file's signature lies."""
    return path.with_name(path.name + SUFFIX)


def pem(path: Path) -> bytes:
    """A key file's bytes.

    Raises:
        InputError: it cannot be read, or is too large for a key.
    """
    try:
        with files.open_regular(path) as file:
            data = file.read(_MOST_KEY_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path}: the key cannot be read ({error.strerror})") from error
    if len(data) > _MOST_KEY_BYTES:
        raise InputError(f"{path}: more than {_MOST_KEY_BYTES} bytes, which is no key in PEM")
    return data

"""The flight bundle on disk: a folder of files, a manifest with their hashes, and the manifest's own hash."""

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard import files, strict_yaml
from onboard.errors import InputError
from onboard.manifest import Manifest
from onboard.signing import PublicKey, signature_of

MANIFEST, MANIFEST_HASH = "manifest.yaml", "manifest.sha256"
_MOST_HASH_BYTES = 1024
_MOST_READS = 5  # of a bundle that is replaced while it is read
_REMEDY = "copy the bundle again, or export it again with 'python -m train export RUN'"


@dataclass(frozen=True)
class Bundle:
    """A bundle whose hashes have been checked; its contents are the very bytes that were hashed.

    Attributes:
        folder: where it was read from.
        manifest: see `Manifest`.
        sha256: of the manifest, and so of everything.
        contents: the files' bytes by name.
        key: that the manifest's signature was checked with; an engine of the bundle has to be signed by it as well.
    """

    folder: Path
    manifest: Manifest
    sha256: str
    contents: dict[str, bytes]
    key: PublicKey | None = None

    def calibration_scores(self) -> npt.NDArray[np.float32] | None:
        """Sorted anomaly scores of held-out normal data, or None.

        Raises:
            InputError: the file is not what it should be.
        """
        name = self.manifest.calibration_scores
        return None if name is None else self.sorted_scores(name, np.float32)

    def sorted_scores(self, name: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
        """The numbers of one of the bundle's .npy files, ascending.

        Raises:
            InputError: the file does not hold finite numbers of this type in one dimension.
        """
        try:
            scores = np.load(io.BytesIO(self.contents[name]), allow_pickle=False)
        except (ValueError, OSError, EOFError) as error:
            raise InputError(f"{self.folder / name}: not a .npy file ({error}); {_REMEDY}") from error
        wanted = np.dtype(dtype)
        if scores.dtype != wanted or scores.ndim != 1 or not len(scores) or not np.isfinite(scores).all():
            raise InputError(f"{self.folder / name}: finite {wanted} scores in one dimension are needed; {_REMEDY}")
        return np.sort(scores)


def read(folder: Path, key: PublicKey | None = None) -> Bundle:
    """Read a bundle and check every hash.

    A bundle whose place another takes meanwhile (a calibration, a new export) is read again: its manifest would be of
    the one and its files of the other.

    Args:
        folder: the bundle.
        key: whose owner must have signed it; None: signatures are not looked at.

    Raises:
        InputError: a file is missing or differs from its hash; the manifest is not signed by the key's owner, or does
            not fit its schema.
    """
    for _ in range(_MOST_READS - 1):
        before = _state(folder)
        try:
            return _read(folder, key)
        except InputError:
            if _state(folder) == before:
                raise
    return _read(folder, key)


def _state(folder: Path) -> tuple[int, int] | None:
    """What changes when another folder takes this one's place, or a file of it is replaced."""
    try:
        found = folder.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns


def _read(folder: Path, key: PublicKey | None) -> Bundle:
    if not folder.is_dir():
        raise InputError(f"{folder}: no such bundle folder; export one with 'python -m train export RUN'")
    text = _bytes(folder / MANIFEST, strict_yaml.MOST_BYTES)
    wanted = _bytes(folder / MANIFEST_HASH, _MOST_HASH_BYTES).decode("ascii", errors="replace").strip()
    found = hashlib.sha256(text).hexdigest()
    if found != wanted:
        raise InputError(
            f"{folder / MANIFEST}: its SHA-256 is {found}, but {MANIFEST_HASH} says '{wanted}'; "
            f"one of the two was altered: {_REMEDY}"
        )
    if key is not None:
        key.check(folder / MANIFEST, text)
    raw = strict_yaml.parse(text.decode("utf-8", errors="replace"), str(folder / MANIFEST))
    manifest = strict_yaml.convert(raw, Manifest, str(folder / MANIFEST))
    if unhashed := sorted(set(manifest.named_files()) - set(manifest.files)):
        raise InputError(f"{folder / MANIFEST}: names {unhashed} without a hash in 'files'; {_REMEDY}")
    calibrated = manifest.calibration
    if calibrated is not None and calibrated.model_sha256 != manifest.files[manifest.model]:
        raise InputError(
            f"{folder / MANIFEST}: was calibrated for another graph than {manifest.model}; remove 'calibration' before "
            "the graph is changed, and calibrate the new one"
        )
    contents = {name: _checked(folder / name, digest) for name, digest in manifest.files.items()}
    return Bundle(folder, manifest, found, contents, key)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest and its hash. The hash comes last: a bundle that is cut short is no bundle.

    A signature that lies there goes: it was of another manifest.
    """
    text = strict_yaml.dump(manifest)
    signature_of(folder / MANIFEST).unlink(missing_ok=True)
    (folder / MANIFEST_HASH).unlink(missing_ok=True)
    files.write_text(folder / MANIFEST, text)
    files.write_text(folder / MANIFEST_HASH, hashlib.sha256(text.encode()).hexdigest() + "\n")


def _checked(path: Path, wanted: str) -> bytes:
    data = _bytes(path)
    found = hashlib.sha256(data).hexdigest()
    if found != wanted:
        raise InputError(
            f"{path}: its SHA-256 is {found}, but the manifest says {wanted}; the file was altered: {_REMEDY}"
        )
    return data


def _bytes(path: Path, most: int | None = None) -> bytes:
    try:
        with files.open_regular(path) as file:
            data = file.read() if most is None else file.read(most + 1)
    except FileNotFoundError as error:
        raise InputError(f"{path}: the bundle lacks this file ({error.strerror}); {_REMEDY}") from error
    except OSError as error:
        raise InputError(f"{path}: this file of the bundle cannot be read ({error.strerror}); {_REMEDY}") from error
    if most is not None and len(data) > most:
        raise InputError(f"{path}: more than {most} bytes, so it is no such file; {_REMEDY}")
    return data

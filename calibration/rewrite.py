"""A calibrated bundle takes the old one's place whole, or not at all."""

import os
import shutil
import sys

import msgspec

from onboard import bundle as bundles
from onboard import files
from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.manifest import Manifest
from onboard.signing import signature_of


def rewrite(bundle: Bundle, manifest: Manifest, added: dict[str, bytes]) -> Bundle:
    """Put a bundle with another calibration into the place of the one that was read.

    Args:
        bundle: as read; its folder is replaced.
        manifest: the new one; `files` is brought up to date here.
        added: new files by name. Files of the old calibration that the new manifest no longer names are left out.

    Returns:
        The new bundle, checked.

    Raises:
        InputError: the folder has changed since it was read, or the new bundle does not pass its checks.
    """
    folder = bundle.folder.resolve()
    if not os.access(folder, os.W_OK):
        raise InputError(
            f"{folder}: is read-only, and a calibration is written into it; chmod u+w, or calibrate a copy"
        )
    beside = folder.with_name(f".{folder.name}.calibrated.part")
    signed = signature_of(folder / bundles.MANIFEST).exists()
    gone = set(bundle.manifest.named_files()) - set(manifest.named_files())
    try:
        with files.alone_beside(folder):
            if bundles.read(folder).sha256 != bundle.sha256:
                raise InputError(f"{folder}: another process changed the bundle meanwhile; start again")
            shutil.rmtree(beside, ignore_errors=True)  # what a killed calibration left
            try:
                shutil.copytree(folder, beside, ignore=lambda _, names: gone & set(names))
                for name, data in added.items():
                    files.write_bytes(beside / name, data)
                kept = [name for name in bundle.manifest.files if name not in gone]
                hashes = {name: files.sha256(beside / name) for name in [*kept, *(n for n in added if n not in kept)]}
                bundles.write_manifest(beside, msgspec.structs.replace(manifest, files=hashes))
                made = Detector.load(beside).bundle
                if bundles.read(folder).sha256 != bundle.sha256:
                    raise InputError(f"{folder}: another process changed the bundle meanwhile; start again")
                files.replace_folder(beside, folder)
            finally:
                shutil.rmtree(beside, ignore_errors=True)
        if signed:
            print(f"{folder}: its signature was of the manifest before, and is gone: sign it again", file=sys.stderr)
    except OSError as error:
        why = error.strerror or "not all of it could be copied"  # copytree's error lists files, and gives no reason
        raise InputError(
            f"{error.filename or folder}: cannot be written ({why}); the bundle is as it was: give a folder "
            "that can be written, with room for a second copy"
        ) from error
    return Bundle(folder, made.manifest, made.sha256, made.contents)

"""A new bundle from an old one whose graph was changed; it appears whole, or not at all."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from onboard import bundle as bundles
from onboard import files
from onboard.bundle import Bundle
from onboard.detector import Detector
from onboard.errors import InputError
from onboard.manifest import Manifest


def refuse_existing(out: Path, unless: Path | None = None) -> None:
    """Nothing is overwritten.

    Args:
        out: folder of the new bundle.
        unless: journal of a run that did not end; it may have been killed behind the bundle, so that `write` compares.

    Raises:
        InputError: `out` is there.
    """
    if out.exists() and not (unless is not None and unless.exists()):
        raise InputError(f"{out}: exists already; remove it, or give another folder with --out")


def write(
    bundle: Bundle,
    out: Path,
    manifest: Manifest,
    model: bytes,
    added: Mapping[str, bytes] | None = None,
    finish: Callable[[Path], None] | None = None,
) -> Bundle:
    """Write a bundle with another graph.

    Args:
        bundle: the old one; not changed.
        out: the new one's folder; where it is there, it must hold this very bundle.
        manifest: the new one; `files` is brought up to date here.
        model: the new graph.
        added: new files by name.
        finish: what else is done to the new bundle before it takes its place, such as a calibration.

    Returns:
        The new bundle, whose known answers were checked.

    Raises:
        InputError: `out` is there and another, or the new bundle does not pass its checks.
    """
    contents = {**bundle.contents, **(added or {}), manifest.model: model}
    named = set(manifest.named_files())
    unnamed = set(bundle.manifest.files) - set(bundle.manifest.named_files())
    beside = out.with_name(f".{out.name}.part")
    shutil.rmtree(beside, ignore_errors=True)  # what a killed run left
    beside.mkdir(parents=True)
    try:
        for name in contents:
            if name in named | unnamed:
                files.write_bytes(beside / name, contents[name])
        hashes = {name: files.sha256(beside / name) for name in contents if name in named | unnamed}
        bundles.write_manifest(beside, msgspec.structs.replace(manifest, files=hashes))
        made = Detector.load(beside).bundle
        if finish is not None:
            finish(beside)
            made = Detector.load(beside).bundle
        if not (out.is_dir() and bundles.read(out).sha256 == made.sha256):
            refuse_existing(out)
            beside.rename(out)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Bundle(out, made.manifest, made.sha256, made.contents)

"""A bundle that is damaged at rest, and put back."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from onboard import files


@contextmanager
def damaged(model: Path, seed: int, keep_hashes: bool) -> Iterator[None]:
    """One bit of the model's file is turned while the block runs.

    Args:
        model: the file, in the bundle's folder.
        seed: of the bit.
        keep_hashes: whether the manifest goes on telling the sound file's hash; False leaves known answers alone to
            find the damage.
    """
    manifest, seal = model.with_name("manifest.yaml"), model.with_name("manifest.sha256")
    sound = {path: path.read_bytes() for path in (model, manifest, seal)}
    place = int(np.random.default_rng(seed).integers(8 * len(sound[model])))
    changed = bytearray(sound[model])
    changed[place // 8] ^= 1 << place % 8
    before = files.sha256(model)
    try:
        model.write_bytes(changed)
        if not keep_hashes:
            manifest.write_bytes(sound[manifest].replace(before.encode(), files.sha256(model).encode()))
            seal.write_text(files.sha256(manifest) + "\n")
        yield
    finally:
        for path, data in sound.items():
            path.write_bytes(data)

"""Crops through the frozen backbone, into the cache."""

from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from onboard.errors import InputError
from onboard.image import Grey
from onboard.window import BoxError, CropSpec, Window, cut
from train.backbones.registry import Loaded
from train.crop import Crop
from train.data.pixels import read_sample
from train.data.samples import Sample
from train.features.cache import FeatureCache, content_digest

_BATCH = 16  # crops of one window size a forward pass
_AHEAD = 128  # images decoded before they are grouped by window size


@dataclass(frozen=True)
class Features:
    """The features of some samples.

    Attributes:
        values: float32 [N, C]: all the backbone's vectors side by side.
        columns: where in C each of them lies, by name.
        defects: what could not be extracted: row -> error. Those rows hold NaN.
        content_sha256: over the contents of all images.
    """

    values: npt.NDArray[np.float32]
    columns: dict[str, slice]
    defects: dict[int, str]
    content_sha256: str

    def layers(self, names: Sequence[str]) -> Tensor:
        """The named vectors concatenated, N x F."""
        return torch.from_numpy(np.concatenate([self.values[:, self.columns[name]] for name in names], axis=1))


def extract(
    samples: Sequence[Sample], backbone: Loaded, spec: CropSpec, cache: Path, device: torch.device, grey: Grey
) -> Features:
    """Features of all samples, from the cache where they are in it already; rows in the samples' order.

    Whatever was done when the process ends, also by kill -9, is found again by the next call.
    """
    ordered = sorted(set(samples), key=lambda s: (s.key, s.box))  # one cache for all splits of the same samples
    channels = backbone.module.channels(spec.input_px)
    key = {
        "backbone": backbone.name,
        "weights": backbone.weights_sha256,
        "normalisation": [backbone.normalisation.mean, backbone.normalisation.std],
        "crop": msgspec.to_builtins(spec),
        "grey": grey,
        "samples": [[s.key, s.row, s.box] for s in ordered],
    }
    with FeatureCache(cache / "features", key, len(ordered), sum(channels.values())) as store:
        defects = _fill(store, ordered, backbone, spec, device, grey)
        place = {sample: row for row, sample in enumerate(ordered)}
        rows = [place[sample] for sample in samples]
        values = np.asarray(store.features[rows])
        content = store.content()
    values[[i for i, row in enumerate(rows) if row in defects]] = np.nan
    ends = np.cumsum(list(channels.values()))
    columns = {name: slice(int(end - channels[name]), int(end)) for name, end in zip(channels, ends, strict=True)}
    return Features(values, columns, {i: defects[row] for i, row in enumerate(rows) if row in defects}, content)


def _fill(
    store: FeatureCache,
    samples: Sequence[Sample],
    backbone: Loaded,
    spec: CropSpec,
    device: torch.device,
    grey: Grey,
) -> dict[int, str]:
    """Extract the rows that are missing; gives the rows that cannot be, with their errors.

    A row always goes through the backbone in the same batch, whatever is missing: the size of a batch moves the last
    bits, and a run that was interrupted shall give the features of one that was not.
    """
    missing = set(store.to_do([sample.path for sample in samples]))
    if not missing:
        return {}
    norm = backbone.normalisation
    crop = Crop(spec, norm.mean, norm.std).to(device).eval()
    module = backbone.module.to(device)
    digest = lru_cache(maxsize=_AHEAD)(content_digest)
    defects: dict[int, str] = {}

    def prepare(row: int) -> Window | str:
        try:
            return cut(read_sample(samples[row], grey), samples[row].box, spec)
        except InputError as error:
            return str(error)
        except BoxError as error:
            return f"{samples[row].line}: {error}"

    progress = tqdm(total=len(missing), desc="features", unit="crop", disable=None)
    with ThreadPoolExecutor(2) as pool, progress, torch.inference_mode():
        for start in range(0, len(samples), _AHEAD):
            chunk = range(start, min(start + _AHEAD, len(samples)))
            if missing.isdisjoint(chunk):
                continue
            by_size: dict[int, list[tuple[int, Window]]] = defaultdict(list)
            for row, window in zip(chunk, pool.map(prepare, chunk), strict=True):
                if isinstance(window, str):
                    defects[row] = window
                    progress.update(row in missing)
                else:
                    by_size[window.pixels.shape[0]].append((row, window))
            for found in by_size.values():
                for first in range(0, len(found), _BATCH):
                    batch = found[first : first + _BATCH]
                    if missing.isdisjoint(row for row, _ in batch):
                        continue
                    vectors = _forward(crop, module, [window for _, window in batch], device)
                    for (row, _), vector in zip(batch, vectors, strict=True):
                        if row in missing:
                            store.put(row, vector, samples[row].path, digest(samples[row].path))
                            progress.update()
    return defects


def _forward(
    crop: Crop, module: torch.nn.Module, windows: list[Window], device: torch.device
) -> npt.NDArray[np.float32]:
    pixels = torch.from_numpy(np.stack([window.pixels for window in windows])).to(device)
    boxes = torch.from_numpy(np.stack([window.region for window in windows])).to(device)
    vectors = module(crop(pixels, boxes))
    return torch.cat(list(vectors.values()), dim=1).cpu().numpy()

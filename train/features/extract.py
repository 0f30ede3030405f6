"""Crops through the frozen backbone, into the cache."""

import os
import sys
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from tqdm import tqdm

from onboard.crop_spec import CropSpec
from onboard.errors import InputError
from onboard.image import Grey
from onboard.window import BoxError, Window, cut
from train import distributed
from train.backbones.registry import Loaded
from train.backbones.trunk import Backbone
from train.data.pixels import read_sample
from train.data.samples import Box, Sample
from train.features.cache import FeatureCache, content_digest
from train.features.forward import forward, one_ahead, workers_for
from train.preprocessing import preprocessing
from train.views.apply import apply
from train.views.recipe import PLAIN, View

_BATCH, _FRAMES = 16, 2  # crops of one window size, or whole frames, a forward pass
_MANY = 1000  # crops that take a minute or more
_AHEAD, _FRAMES_AHEAD = 128, 16  # images decoded before they are grouped by window size
Item = tuple[Sample, View]


@dataclass(frozen=True)
class Features:
    """The features of some samples.

    Attributes:
        values: float32 [N, C]: all the backbone's vectors side by side.
        columns: where in C each of them lies, by name.
        defects: what could not be extracted: row -> error. Those rows hold NaN.
        content_sha256: over the contents of all images.
        digests: of each row's image's content, but for defects.
    """

    values: npt.NDArray[np.float32]
    columns: dict[str, slice]
    defects: dict[int, str]
    content_sha256: str
    digests: dict[int, bytes]

    def layers(self, names: Sequence[str]) -> Tensor:
        """The named vectors concatenated, N x F."""
        return torch.from_numpy(np.concatenate([self.values[:, self.columns[name]] for name in names], axis=1))


def extract(
    samples: Sequence[Sample],
    backbone: Loaded,
    spec: CropSpec,
    cache: Path,
    device: torch.device,
    grey: Grey,
    views: Sequence[View] | None = None,
) -> Features:
    """Features of all samples, from the cache where they are in it already; rows in the samples' order.

    Whatever was done when the process ends, also by kill -9, is found again by the next call. Under torchrun each
    process does a share, and all get all features, the same to the bit.

    Args:
        samples: what to crop; a sample may stand here several times with different views.
        backbone: frozen.
        spec: the crop, or the whole frame.
        cache: the folder of all caches.
        device: where the backbone runs.
        grey: what to do with one-channel images.
        views: of each sample, one; None: all as they are.
    """
    items = list(zip(samples, views or [PLAIN] * len(samples), strict=True))
    ordered = sorted(set(items), key=_place)  # one cache for all splits of the same samples
    channels = backbone.module.channels(spec)
    key = {
        "backbone": backbone.name,
        "weights": backbone.weights_sha256,
        "normalisation": [backbone.normalisation.mean, backbone.normalisation.std],
        "crop": msgspec.to_builtins(spec),
        "grey": grey,
        "samples": [[s.key, s.row, s.box] for s, _ in ordered],
    }
    if device.type != "cpu":  # whose last bits are others
        key["device"] = device.type
    if any(view != PLAIN for _, view in ordered):
        key["views"] = [msgspec.to_builtins(view) for _, view in ordered]
    if spared := [i for i, (s, view) in enumerate(ordered) if s.is_anomaly and view.recipe.spares_anomalies]:
        key["spared"] = spared
    defects: dict[int, str] = {}
    with ExitStack() as stack:

        def opened(shares: bool) -> FeatureCache:
            store = FeatureCache(cache / "features", key, len(ordered), sum(channels.values()), shares)
            return stack.enter_context(store)

        store = opened(shares=False) if distributed.rank() == 0 else None
        distributed.barrier()  # the first process makes the files, the others use them
        store = store or opened(shares=True)
        missing = set(distributed.from_first(store.to_do([s.path for s, _ in ordered])))
        if len(missing) > _MANY and distributed.rank() == 0 and not sys.stderr.isatty():  # where no bar is drawn
            print(f"features: {len(missing)} of {len(ordered)} crops to extract", file=sys.stderr, flush=True)
        mine = _fill(store, ordered, missing, backbone, spec, device, grey) if missing else {}
        for found in distributed.gathered(mine):
            defects |= found
        place = {item: row for row, item in enumerate(ordered)}
        rows = [place[item] for item in items]
        values = np.asarray(store.features[rows])
        content, digests = store.content(), store.digests(rows)
    values[[i for i, row in enumerate(rows) if row in defects]] = np.nan
    ends = np.cumsum(list(channels.values()))
    columns = {name: slice(int(end - channels[name]), int(end)) for name, end in zip(channels, ends, strict=True)}
    bad = {i: defects[row] for i, row in enumerate(rows) if row in defects}
    return Features(values, columns, bad, content, {i: d for i, d in enumerate(digests) if i not in bad})


def _place(item: Item) -> tuple[str, Box, bytes]:
    sample, view = item
    return sample.key, sample.box, msgspec.json.encode(view)


def _fill(
    store: FeatureCache,
    items: Sequence[Item],
    missing: set[int],
    backbone: Loaded,
    spec: CropSpec,
    device: torch.device,
    grey: Grey,
) -> dict[int, str]:
    """Extract this process's share of the missing rows; gives the rows that cannot be extracted, with their errors.

    A row always goes through the backbone in the same batch, whatever is missing and whoever does it: the size of a
    batch moves the last bits, and a run that was interrupted shall give the features of one that was not.
    """
    norm = backbone.normalisation
    before = preprocessing(spec, norm.mean, norm.std).to(device).eval()
    size, ahead = (_FRAMES, _FRAMES_AHEAD) if spec.whole else (_BATCH, _AHEAD)
    # Channels last is what the CPU's and the GPU's convolutions like best.
    module: Backbone = backbone.module.to(device).to(memory_format=torch.channels_last)
    digest = lru_cache(maxsize=ahead)(content_digest)
    frame_of = lru_cache(maxsize=4)(read_sample)  # views of one sample come one after the other
    defects: dict[int, str] = {}

    def prepare(row: int) -> Window | str:
        sample, view = items[row]
        try:
            return cut(*apply(view, frame_of(sample, grey), sample), spec)
        except InputError as error:
            return str(error)
        except BoxError as error:
            return f"{sample.line}: {error}"

    starts = range(0, len(items), ahead)[distributed.rank() :: distributed.size()]
    chunks = [chunk for s in starts if not missing.isdisjoint(chunk := range(s, min(s + ahead, len(items))))]
    total = sum(row in missing for chunk in chunks for row in chunk)
    progress = tqdm(total=total, desc="features", unit="crop", disable=None if distributed.rank() == 0 else True)
    # Where a GPU does the rest, every core may decode.
    threads = 2 if device.type == "cpu" else os.cpu_count()
    with ThreadPoolExecutor(threads) as pool, progress, workers_for(device) as workers:
        for chunk, prepared in one_ahead((chunk, pool.map(prepare, chunk)) for chunk in chunks):
            by_size: dict[int, list[tuple[int, Window]]] = defaultdict(list)
            for row, window in zip(chunk, prepared, strict=True):
                if isinstance(window, str):
                    defects[row] = window
                    progress.update(row in missing)
                else:
                    by_size[window.pixels.shape[0]].append((row, window))
            cuts = [found[first : first + size] for found in by_size.values() for first in range(0, len(found), size)]
            batches = [batch for batch in cuts if not missing.isdisjoint(row for row, _ in batch)]
            windows = [[window for _, window in batch] for batch in batches]
            done = workers.map(lambda batch: forward(before, module, batch, device), windows)
            for batch, vectors in zip(batches, done, strict=True):
                for (row, _), vector in zip(batch, vectors, strict=True):
                    if row in missing:
                        path = items[row][0].path
                        store.put(row, vector, path, digest(path))
                        progress.update()
    return defects

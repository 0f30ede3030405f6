"""How long heads in closed form take to fit at the size of SPARK-2021.

python -m benchmarks.head_scale --rows 75000 --width 1280
"""

import argparse
import time

import numpy as np
import torch

from onboard import machine
from train.heads.config import ClosedForm, GaussianOptions, NeighboursOptions, PcaOptions
from train.heads.fitting import fit_closed
from train.heads.normals import Normals

_HEADS: dict[str, ClosedForm] = {
    "gaussian": GaussianOptions(),
    "per class": GaussianOptions(form="per_class"),
    "relative": GaussianOptions(form="relative"),
    "discriminant": GaussianOptions(form="discriminant"),
    "pca": PcaOptions(),
    "nearest of 2,000": NeighboursOptions(metric="whitened", neighbours=3, local=25, coreset=2000),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--rows", type=int, default=75_000)
    parser.add_argument("--width", type=int, default=1280)
    options = parser.parse_args()
    rows = options.rows
    features = torch.randn(rows, options.width, generator=torch.Generator().manual_seed(0))
    labels = [f"class {i % 10}" for i in range(rows)]
    normals = Normals(features, labels, np.arange(rows), ("features",), (options.width,), np.zeros(rows, np.int64))
    print(f"{rows} x {options.width} features, {torch.get_num_threads()} threads, {machine.describe()}")
    for name, head in _HEADS.items():
        start = time.perf_counter()
        fit_closed(head, normals, 0)
        print(f"  {name:<18}{time.perf_counter() - start:6.1f} s", flush=True)


if __name__ == "__main__":
    main()

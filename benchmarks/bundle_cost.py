"""Bundles against the first of them: size and latency, in ONNX Runtime on one thread, by turns in one process.

python -m benchmarks.bundle_cost runs/spark_sample/bundle runs/spark_sample/bundle_bounded [--rounds 200]
"""

import argparse
from pathlib import Path

import numpy as np

from benchmarks import ending
from calibration import latency
from onboard import bundle as bundles
from onboard import machine


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("bundles", type=Path, nargs="+", metavar="BUNDLE")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    read = {str(folder): bundles.read(folder) for folder in options.bundles}
    graphs = {name: bundle.contents[bundle.manifest.model] for name, bundle in read.items()}
    first = next(iter(read))
    times = latency.by_turns(graphs, latency.known_window(read[first]), options.rounds)
    print(f"{machine.describe()}, {options.rounds} rounds by turns")
    print(f"{'bundle':<44}precision    MB   median ms   ratio to the first (5 to 95 %)")
    for name, bundle in read.items():
        middle, low, high = latency.ratio(times[name], times[first])
        print(
            f"{name[-43:]:<44}{bundle.manifest.precision:<9}{len(graphs[name]) / 1e6:>6.1f}"
            f"{np.median(times[name]):>12.2f}   {middle:.4f} ({low:.3f} to {high:.3f})"
        )


if __name__ == "__main__":
    ending.run(main)

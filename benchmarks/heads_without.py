"""A head without each satellite class, for the class left out of `python -m calibration tracks ... --without`.

python -m benchmarks.heads_without configs/demo.yaml --out runs/without

Heads that are there are left as they are; a command that was stopped goes on. The last line is what `--without` takes.
"""

import argparse
from pathlib import Path

import msgspec

from benchmarks import ending
from onboard.errors import InputError
from train.config import RunConfig, load
from train.data import load as loading
from train.data.config import SparkData
from train.export.bundle import export
from train.fit import fit


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("config", type=Path)
    parser.add_argument("--data", help="the data set's folder, instead of the config's")
    parser.add_argument("--out", type=Path, default=Path("runs/without"), help="default: %(default)s")
    parser.add_argument("--classes", nargs="+", help="default: every class that the config's head is fitted on")
    options = parser.parse_args()
    config = load(options.config, {"data.root": options.data} if options.data else None)
    known = sorted({sample.label for sample in loading.load(config.data, config.seed).fit})
    if unknown := sorted(set(options.classes or []) - set(known)):
        raise SystemExit(f"--classes {unknown[0]}: the head is fitted on {', '.join(known)}")
    made = []
    for name in options.classes or known:
        run = options.out / name
        without = _without(config, name, options.config)
        fit(without, run)
        if not (run / "bundle").is_dir():
            export(run, without)
        made.append(f"{name}={run / 'bundle'}")
    print("--without", *made)


def _without(config: RunConfig, name: str, path: Path) -> RunConfig:
    if not isinstance(config.data, SparkData):
        raise InputError(f"{path}: its data have no classes to leave out; give a configuration with 'kind: spark'")
    data = msgspec.structs.replace(config.data, anomaly_classes=(*config.data.anomaly_classes, name))
    return msgspec.structs.replace(config, data=data)


if __name__ == "__main__":
    ending.run(main)

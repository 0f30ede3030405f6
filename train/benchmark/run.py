"""The benchmark's run: features, then every cell that is not there yet, shared out over processes."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from onboard.errors import InputError
from train import distributed
from train.benchmark import cells as cell_files
from train.benchmark import checks, probes, splits
from train.benchmark.cells import Cell, Result
from train.benchmark.config import BenchmarkConfig
from train.benchmark.features import ProtocolFeatures, protocol_features
from train.benchmark.probes import Numbers
from train.benchmark.stand_ins import groups
from train.data import twins
from train.data.config import SparkData
from train.data.samples import Sample, Split
from train.prepare import without

Place = tuple[str, str | None, int]
"""Protocol, normal class (None where the data say what is normal), and number of the split."""


@dataclass(frozen=True)
class Stage:
    """All cells of one split under one protocol, and what they are computed from."""

    place: Place
    split: Split
    table: ProtocolFeatures
    groups: list[frozenset[str]]
    cells: list[Cell]


@dataclass(frozen=True)
class Judged:
    """The test part under one protocol: M samples, and what single numbers say of them."""

    samples: tuple[Sample, ...]
    is_anomaly: npt.NDArray[np.bool_]
    probes: Numbers


@dataclass(frozen=True)
class Outcome:
    """All that a benchmark's tables are made of.

    Attributes:
        groups: what was left out in turn, by the names of its classes; of clusters those of what they came from.
        skipped: by protocol: what `on_defect: skip` left out, as `Split` has it.
        found: how many cells were there already, perhaps computed by earlier code.
    """

    config: BenchmarkConfig
    results: dict[Cell, Result]
    judged: dict[Place, Judged]
    groups: dict[Place, tuple[str, ...]]
    skipped: dict[str, dict[str, int]] = field(default_factory=dict)
    found: int = 0


def run(config: BenchmarkConfig, out: Path) -> Outcome:
    """Compute all cells into `out/cells`; those that are there already are left as they are.

    A fit by steps that was interrupted goes on. Under torchrun each process computes every n-th cell, and all get the
    outcome.

    Raises:
        InputError: the data cannot be used.
    """
    first = distributed.rank() == 0
    outcome, kept = Outcome(config, {}, {}, {}), 0
    for stage in stages(config):
        of_stage = (config, stage.table, stage.split, stage.groups)
        paths = {cell: cell_files.path_of(out, cell, *of_stage) for cell in stage.cells}
        todo = distributed.from_first([cell for cell, path in paths.items() if cell_files.read(path) is None])
        kept += len(paths) - len(todo)
        mine = todo[distributed.rank() :: distributed.size()]
        named = " ".join(str(part) for part in stage.place if part is not None)
        for cell in tqdm(mine, desc=named, unit="fit", disable=None if first else True):
            checkpoint = paths[cell].with_suffix(".pt")  # named by all that decides the fit, as the cell is
            with _told_of(cell, stage):
                result = cell_files.compute(cell, *of_stage, checkpoint)
            cell_files.write(paths[cell], result)
            checkpoint.unlink(missing_ok=True)
        outcome.judged[stage.place] = _judged(stage, config, out)
        outcome.skipped[stage.place[0]] = stage.split.skipped
        outcome.groups[stage.place] = tuple(_named(keys, stage.split) for keys in stage.groups)
        distributed.barrier()
        for cell, path in paths.items():
            found = cell_files.read(path)
            if found is None:
                raise InputError(f"{path}: cannot be read back; is the disk full? Remove it and run the same again")
            outcome.results[cell] = found
    return replace(outcome, found=kept)


def stages(config: BenchmarkConfig) -> Iterator[Stage]:
    """The benchmark split by split, protocol after protocol, each with its features."""
    drawn = {
        (normal_class, number): splits.load(config, number, normal_class)
        for normal_class in config.normal_classes or (None,)
        for number in range(config.splits)
    }
    checks.refuse_data(config, drawn.values())
    samples = splits.everything(list(drawn.values()))
    for name, protocol in config.protocols.items():
        table = protocol_features(config, protocol, samples)
        usable = {place: without(split, table.unusable) for place, split in drawn.items()}
        checks.refuse_data(config, usable.values())
        for split in usable.values():  # of all splits, before the first one's fits
            twins.refuse_shared(split, table.digests, config.data.root)
        for (normal_class, number), split in usable.items():
            left_out = groups(config, table, split, number) if number < config.selection_splits else []
            found = list(cell_files.cells(config, name, normal_class, number, len(left_out)))
            yield Stage((name, normal_class, number), split, table, left_out, found)


@contextmanager
def _told_of(cell: Cell, stage: Stage) -> Iterator[None]:
    """Say of what cannot be used which of the many fits it was."""
    try:
        yield
    except InputError as error:
        where = [f"protocol {cell.protocol}", f"split {cell.split}", f"seed {cell.seed}"]
        if cell.normal_class is not None:
            where.insert(1, f"normal class {cell.normal_class}")
        if cell.left_out is not None:
            where.append(f"without {_named(stage.groups[cell.left_out], stage.split)}")
        raise InputError(f"methods.{cell.method} ({', '.join(where)}): {error}") from error


def _named(keys: frozenset[str], split: Split) -> str:
    return " + ".join(sorted({s.label for s in (*split.fit, *split.calibration) if s.key in keys}))


def _judged(stage: Stage, config: BenchmarkConfig, out: Path) -> Judged:
    _, _, number = stage.place
    test = stage.split.test
    numbers = probes.of_features(stage.table, test, number)
    if isinstance(config.data, SparkData):  # CIFAR's boxes are all alike
        kept = out / "probes"
        numbers = probes.of_pixels(stage.table, test, number, config.data.grey, kept) | numbers
        numbers |= probes.supervised(stage.table, test, number, kept)
    return Judged(test, np.array([sample.is_anomaly for sample in test]), numbers)

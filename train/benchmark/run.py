"""The benchmark's run: features, then every cell that is not there yet, shared out over processes."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from onboard import files, provenance, strict_yaml
from train import distributed
from train.benchmark import cells as cell_files
from train.benchmark import splits
from train.benchmark.cells import Cell
from train.benchmark.config import BenchmarkConfig
from train.benchmark.features import ProtocolFeatures, protocol_features
from train.benchmark.stand_ins import groups
from train.data.samples import Split

CONFIG, PROVENANCE = "config.yaml", "provenance.yaml"


@dataclass(frozen=True)
class Stage:
    """All cells of one split under one protocol, and what they are computed from."""

    protocol: str
    normal_class: str | None
    split: Split
    table: ProtocolFeatures
    groups: list[frozenset[str]]
    cells: list[Cell]


def run(config: BenchmarkConfig, out: Path) -> None:
    """Compute all cells into `out/cells`; those that are there already are left as they are.

    Under torchrun each process computes every n-th cell.

    Raises:
        InputError: the data cannot be used.
    """
    if distributed.rank() == 0:
        files.write_text(out / CONFIG, strict_yaml.dump(config))
        files.write_text(out / PROVENANCE, strict_yaml.dump(provenance.record(0)))
    for stage in stages(config):
        todo = [
            (cell, path)
            for cell in stage.cells
            if cell_files.read(path := cell_files.path_of(out, cell, config, stage.table, stage.split)) is None
        ]
        mine = distributed.from_first(todo)[distributed.rank() :: distributed.size()]
        named = f"{stage.protocol} {stage.normal_class or ''} split {stage.cells[0].split}" if stage.cells else ""
        for cell, path in tqdm(mine, desc=named, unit="fit", disable=None if distributed.rank() == 0 else True):
            cell_files.write(path, cell_files.compute(cell, config, stage.table, stage.split, stage.groups))
    distributed.barrier()


def stages(config: BenchmarkConfig) -> Iterator[Stage]:
    """The benchmark split by split, protocol after protocol, each with its features."""
    numbers = range(config.splits)
    drawn = {(c, n): splits.load(config, n, c) for c in config.normal_classes or (None,) for n in numbers}
    samples = splits.everything(list(drawn.values()))
    for name, protocol in config.protocols.items():
        table = protocol_features(config, protocol, samples)
        for (normal_class, number), split in drawn.items():
            left_out = groups(config, table, split, number)
            found = list(cell_files.cells(config, name, normal_class, number, len(left_out)))
            yield Stage(name, normal_class, split, table, left_out, found)

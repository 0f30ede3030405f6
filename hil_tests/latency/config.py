"""What a latency measurement is told: one YAML file, configs/latency.yaml."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from hil_tests.bench import command
from hil_tests.bench.config import BenchConfig
from onboard import strict_yaml

Count = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
PageCache = Literal["files", "all", "keep"]


class LatencyConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """One measurement.

    Attributes:
        bench: the bench's configuration: node, stream, limits.
        engine_calls: of the engine alone, back to back, for each window size; warm and under load.
        paced_calls: of the engine alone at the stream's rate, for each window size; 0: none.
        frames: through the node, warm and again under load.
        warm_up: calls, and frames, before those that count.
        cold_starts: of the engine for each window size, and of the node; 0: nothing is measured cold.
        cold_frames: after each start, which are what `cold` is.
        busy_processes: that load the processor; null: two for each core; 0: nothing is measured under load.
        page_cache: before a cold start drop the files of bundle and engine from the kernel's page cache, or all of it
            (root), or keep it.
    """

    bench: str
    engine_calls: Count = 1000
    paced_calls: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 100
    frames: Count = 1000
    warm_up: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 20
    cold_starts: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 10
    cold_frames: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 5
    busy_processes: Annotated[int, msgspec.Meta(ge=0, le=1000)] | None = None
    page_cache: PageCache = "files"


def load(path: Path, data: Path | None, bundle: Path | None) -> tuple[LatencyConfig, BenchConfig]:
    """The measurement and its bench, with data and bundle from the command line where they are given.

    Raises:
        InputError: one of the two files does not fit.
    """
    config = strict_yaml.load(path, LatencyConfig)
    return config, command.load(Path(config.bench), data, bundle)

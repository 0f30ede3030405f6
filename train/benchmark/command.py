"""`python -m train benchmark`: from a configuration to tables."""

from pathlib import Path

from onboard import machine, provenance
from train import distributed
from train.benchmark import checks, folder, table, tables
from train.benchmark import config as configs
from train.benchmark.run import run


def benchmark(path: Path, data: str | None, out: Path) -> str:
    """Run what is missing, and write the tables; gives them as Markdown ("" in all processes but the first).

    Raises:
        InputError: the configuration, the data or the folder cannot be used.
    """
    config = configs.load(path, data)
    with distributed.group():
        checks.refuse_unknown_layers(config, str(path))
        with folder.held(out):
            begun = provenance.record(0)  # of the code that runs, which may have changed when the last fit ends
            outcome = run(config, out)
            if distributed.rank() != 0:
                return ""
            made = tables.build(outcome)
            told = f"python -m train benchmark {path}, {machine.describe()}."
            cells = {"found": outcome.found, "computed": len(outcome.results) - outcome.found}
            folder.write(out, outcome, made, told, begun | {"skipped": outcome.skipped, "cells": cells})
            return "\n".join(table.markdown(table.turned_if_wide(one), told) for one in made)

"""`python -m train benchmark`: from a configuration to tables."""

from pathlib import Path

from onboard import machine
from train import distributed
from train.benchmark import checks, folder, table, tables
from train.benchmark import config as configs
from train.benchmark.plot import methods_plot
from train.benchmark.run import run

PLOT = "methods.png"


def benchmark(path: Path, data: str | None, out: Path) -> str:
    """Run what is missing, and write the tables; gives them as Markdown ("" in all processes but the first).

    Raises:
        InputError: the configuration, the data or the folder cannot be used.
    """
    config = configs.load(path, data)
    with distributed.group():
        checks.refuse_unknown_layers(config, str(path))
        with folder.held(out):
            outcome = run(config, out)
            if distributed.rank() != 0:
                return ""
            made = tables.build(outcome)
            methods_plot(out / PLOT, outcome)
            made[0].plots.append(PLOT)
            told = f"python -m train benchmark {path}, {machine.describe()}."
            table.write(made, out, told)
            return "\n".join(table.markdown(one, told) for one in made)

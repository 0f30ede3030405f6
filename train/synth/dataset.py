"""Renders a whole synthetic data set in the SPARK-2022 layout.

Layout below `out`: `train/*.jpg` and `val/*.jpg` with `train.csv` and `val.csv` (`filename,class,bbox`, boxes
row first), `kinds.csv` (which kind of debris), `tracks/<name>/` with `frame_0000.jpg ...`, `boxes.csv`,
`poses.csv` and `track.yaml`; `synth.yaml` says which configuration made it.
"""

from importlib.util import find_spec
from pathlib import Path

from onboard.errors import InputError
from train.synth import labels, plan
from train.synth.config import SynthConfig
from train.synth.pool import render_all
from train.synth.progress import Journal, claim


def render(config: SynthConfig, progress: bool = True) -> Path:
    """Render what is missing of a data set.

    A run that was interrupted, even killed, goes on where it stopped; a finished one returns at once.

    Args:
        config: what to render.
        progress: show a progress bar.

    Returns:
        The data set's folder.

    Raises:
        InputError: vtk or tqdm is missing, or the folder holds other data or cannot be written.
    """
    folder = Path(config.out)
    _require("vtk", "tqdm")
    claim(folder, config)
    journal = Journal(folder)
    jobs = plan.jobs(config)
    entries = journal.good()
    missing = [job for job in jobs if job.path not in entries]
    if missing:
        from tqdm import tqdm

        journal.replace(entries)
        with tqdm(total=len(jobs), initial=len(entries), unit="image", disable=None if progress else True) as bar:
            for entry in render_all(config, missing, folder):
                journal.add(entry)
                entries[entry.path] = entry
                bar.update()
        journal.replace(entries)
    labels.write(folder, config, entries)
    return folder


def _require(*modules: str) -> None:
    for module in modules:
        if find_spec(module) is None:
            raise InputError(
                f"rendering needs {module}, which is not installed; "
                "install the 'synth' extra: pip install 'debris-rider[synth]'"
            )

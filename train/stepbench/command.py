"""python -m train bench-step."""

import json
from pathlib import Path
from typing import Literal

import msgspec
import torch

from onboard.errors import InputError
from onboard.files import write_bytes
from train.plume.config import PRESETS
from train.stepbench.compare import compare
from train.stepbench.report import record, text
from train.stepbench.worker import Task


def bench_step(
    preset: Literal["reference", "paper"],
    batch: int,
    dim: int,
    repeats: int,
    threads: int | None,
    seed: int,
    device: str,
    out: Path | None,
) -> int:
    """Measure, print, and write the JSON where `out` says; gives 1 when the two forms' losses differ.

    Args:
        batch: N, at least 2.
        dim: D, of features and of the perturbator's layers.
        repeats: timed steps of each form.
        threads: of each step; None leaves it to torch.

    Raises:
        InputError: a value that cannot be used, or too little memory.
    """
    if batch < 2:
        raise InputError(f"--batch {batch}: at least 2, as a batch norm has nothing to normalise in one sample")
    if not 1 <= dim <= 16384:
        raise InputError(f"--dim {dim}: 1 to 16384")
    if repeats < 1:
        raise InputError(f"--repeats {repeats}: at least 1")
    if threads is not None and threads < 1:
        raise InputError(f"--threads {threads}: at least 1")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: torch finds no GPU here")
    if out is not None and out.is_dir():
        raise InputError(f"--json {out}: is a folder; name a file")
    settings = msgspec.structs.replace(PRESETS[preset], model_dim=dim, perturbator_width=dim)
    task = Task(settings, batch, dim, seed, device, threads or torch.get_num_threads())
    torch.set_num_threads(task.threads)  # the bandwidth is measured here
    found = record(task, preset, compare(task, repeats))
    if out is not None:
        write_bytes(out, (json.dumps(found, indent=2) + "\n").encode())
    print(text(found))
    return 0 if found["losses_agree"] else 1

"""A small benchmark: its configuration as text, with {root} and {cache} to be filled in, and a folder of its own."""

import multiprocessing
import os
import socket
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from datetime import timedelta
from pathlib import Path

import pytest
import torch

from train import distributed
from train.__main__ import main

CONFIG = """
data: {{kind: spark, root: {root}, calibration_fraction: 0.3, test_fraction: 0.3}}
redraw: true
splits: 2
seeds: 2
selection_splits: 2
unseen: true
backbone: {{name: mobilenet_v2, weights: random}}
crop: {{input_px: 64}}
cache: {cache}
protocols:
  raw: {{recipe: {{turns: 2}}}}
  matched: {{recipe: {{match_px: 32, turns: 2}}}}
  both: {{recipe: {{match_px: 32}}, augment: [{{}}, {{match_px: 32}}]}}
methods:
  gaussian: {{layers: [stage2], head: {{kind: gaussian}}, candidate: true}}
  nearest: {{layers: [stage2, stage2_std], head: {{kind: neighbours, metric: whitened}}, candidate: true}}
  plume:
    {{layers: [stage2], head: {{kind: plume}}, fit: {{epochs: 2, learning_rate: 1e-3}}, seeded: true, protocols: [raw]}}
"""


# One protocol of two splits, in which the fits without a class, those of several seeds and the probes have their turn.
SMALL = "".join(
    line
    for line in CONFIG.replace("selection_splits: 2", "selection_splits: 1")
    .replace("protocols: [raw]", "protocols: [matched]")
    .splitlines(keepends=True)
    if not line.startswith(("  raw:", "  both:", "  nearest:"))
)


@pytest.fixture
def small() -> str:
    return SMALL


@pytest.fixture(scope="module")
def place(drawn, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark")
    (folder / "b.yaml").write_text(CONFIG.format(root=drawn.root, cache=folder / "cache"))
    return folder


@pytest.fixture
def in_two(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Callable[[list[str]], tuple[list[int | None], list[str]]]:
    """Runs a command in this process and one more, in the environment that torchrun gives them.

    Gives the exit status of each, and what each printed.
    """

    def run(arguments: list[str]) -> tuple[list[int | None], list[str]]:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
        said = tmp_path / "second.txt"
        fork = multiprocessing.get_context("fork")  # a new interpreter takes 8 s of processor time to import torch
        second = fork.Process(target=_second, args=(arguments, {**group, "RANK": "1", "LOCAL_RANK": "1"}, said))
        monkeypatch.setattr(distributed, "_PATIENCE", timedelta(seconds=300))
        capsys.readouterr()
        second.start()
        try:
            with monkeypatch.context() as patched:
                for name, value in {**group, "RANK": "0", "LOCAL_RANK": "0"}.items():
                    patched.setenv(name, value)
                first = main(arguments)
            second.join(60)
        finally:
            second.kill()
        printed = capsys.readouterr()
        return [first, second.exitcode], [printed.out + printed.err, said.read_text()]

    return run


def _second(arguments: list[str], environment: dict[str, str], said: Path) -> None:
    torch.set_num_threads(1)  # OpenMP's other threads do not live in a forked process
    os.environ.update(environment)
    with said.open("w") as file, redirect_stdout(file), redirect_stderr(file):
        code = main(arguments)
    sys.exit(code)

"""A small benchmark: its configuration as text, with {root} and {cache} to be filled in, and a folder of its own."""

from pathlib import Path

import pytest

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

"""A run's folder: what was written is read back, by later versions too."""

from pathlib import Path

import pytest
import torch

from onboard.errors import InputError
from train import runs
from train.config import FitOptions, RunConfig
from train.data.config import CifarData
from train.fit import fit
from train.plume.config import PlumeOptions
from train.plume.training import train


@pytest.mark.parametrize("ema,said", [(None, "no such folder"), (0.99, "another configuration")])
def test_a_key_that_a_run_lacks_stands_for_the_presets_value(tmp_path: Path, ema: float | None, said: str) -> None:
    data = CifarData(root=str(tmp_path / "absent"), normal_class=0)
    runs.write_config(tmp_path / "run", RunConfig(data=data), {})
    written = tmp_path / "run" / runs.CONFIG
    lines = written.read_text().splitlines(keepends=True)
    older = [line for line in lines if line.split(":")[0].strip() not in ("constraint", "ema")]
    assert len(older) == len(lines) - 2
    written.write_text("".join(older))
    with pytest.raises(InputError, match=said):
        fit(RunConfig(data=data, head=PlumeOptions(ema=ema)), tmp_path / "run")


def test_a_head_of_averaged_weights_is_read_as_it_was_written(tmp_path: Path) -> None:
    head = PlumeOptions(preset="ours", ema=0.9, pseudo_anomalies="learned_gaussian", perturbator_width=4)
    x = torch.randn(40, 6, generator=torch.Generator().manual_seed(1))
    fitted = train(x, head.resolve(), FitOptions(epochs=2, learning_rate=1e-3), 0, torch.device("cpu"), x)
    runs.write_head(tmp_path, runs.FittedHead(fitted.model, 6, 1e-3, "", "", ""))
    config = RunConfig(data=CifarData(root="", normal_class=0), head=head)
    with torch.no_grad():
        assert (runs.read_head(tmp_path, config).model(x).numpy() == fitted.watched[-1]).all()

"""`python -m train bench-step`: both forms compute the same, and the record is whole."""

import json
from pathlib import Path

import msgspec
import pytest
import torch

from train.__main__ import main
from train.plume.config import PRESETS
from train.stepbench import floor
from train.stepbench.forms import PHASES
from train.stepbench.worker import Task, Trainer

KEYS = [
    "speedup",
    "memory_ratio",
    "ours_s",
    "materialised_s",
    "ours_peak_bytes",
    "materialised_peak_bytes",
    "breakdown",
    "floor_s",
    "floor_bytes",
    "machine",
    "date",
    "threads",
    "torch",
    "seed",
    "batch",
    "dim",
    "losses_agree",
]


@pytest.mark.parametrize("preset", ["reference", "paper"])
def test_both_forms_give_the_same_losses_and_weights(preset: str) -> None:
    settings = msgspec.structs.replace(PRESETS[preset], model_dim=24, perturbator_width=24)
    task = Task(settings, batch=5, dim=24, seed=1, device="cpu", threads=1)
    ours, materialised = Trainer("ours", task, torch.float64), Trainer("materialised", task, torch.float64)
    for _ in range(3):
        (losses, phases), (wanted, _) = ours.step(), materialised.step()
        assert losses == pytest.approx(wanted, rel=1e-9)
        assert tuple(phases) == PHASES and min(phases.values()) > 0
    for found, expected in zip(ours.model.parameters(), materialised.model.parameters(), strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=1e-9)


def test_the_record_is_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(floor, "_COPIED", 1 << 20)  # a cache may hold it: the figure is not looked at
    out = tmp_path / "new" / "step.json"
    assert main(["bench-step", "--dim", "32", "--batch", "4", "--repeats", "2", "--json", str(out)]) == 0
    found = json.loads(out.read_text())
    assert set(KEYS) <= found.keys() and set(found["breakdown"]) == set(PHASES)
    assert found["losses_agree"] and found["batch"] == 4 and found["dim"] == 32 and found["repeats"] == 2
    for form in ("ours_s", "materialised_s"):
        assert 0 < found[form]["min"] <= found[form]["median"] <= found[form]["max"]
    assert "the losses of the first steps agree" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--batch", "1"], ["--dim", "0"], ["--repeats", "0"], ["--json", "."]])
def test_bad_values_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench-step", *arguments]) == 2
    assert f"error: {arguments[0]}" in capsys.readouterr().err

"""Each TensorRT gets the flags that it knows."""

import dataclasses
from pathlib import Path

import msgspec
import pytest

from hil_tests.__main__ import main
from hil_tests.trtexec.command_line import commands
from onboard import bundle as bundles


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["trtexec-command", *arguments]) == 0
    return capsys.readouterr().out


def test_flags_differ_by_version(bundle: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = printed(capsys, str(bundle), "--version", "8.6", "--fp16")
    ten = printed(capsys, str(bundle), "--version", "10.3", "--fp16", "--pose", "pose.onnx")
    eleven = printed(capsys, str(bundle), "--version", "11.4", "--fp16")
    assert "--optShapes=window:1x256x256x3,box:1x4" in old and "--fp16" in old and "--stronglyTyped" not in old
    assert "--stronglyTyped" in ten and "--noDataTransfers" in ten and "--onnx=pose.onnx" in ten and "--fp16" not in ten
    gone = ("--fp16", "--stronglyTyped", "--noDataTransfers", "--useCudaGraph", "--exportTimes")
    assert not any(flag in eleven for flag in gone)
    assert main(["trtexec-command", str(bundle), "--version", "9.1"]) == 2


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_tensorrt_8_is_told_the_bundles_own_precision(bundle: Path, precision: str) -> None:
    read = bundles.read(bundle)
    made = dataclasses.replace(read, manifest=msgspec.structs.replace(read.manifest, precision=precision))
    lines = commands(made, "8.6", Path("pose.onnx"))
    assert all(f"--{precision}" in line for line in lines if "--saveEngine=fused" in line)
    assert not any(f"--{precision}" in line for line in lines if "--saveEngine=pose" in line)

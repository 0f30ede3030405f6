"""Each TensorRT gets the flags that it knows."""

from pathlib import Path

import pytest

from hil_tests.__main__ import main


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

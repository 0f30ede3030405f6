"""An absent extra is named in one line."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import calibration


def test_a_package_that_is_absent_is_named(
    call: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "scipy", None)  # as where it is not installed
    for name in ("calibration.validate", "calibration.coverage"):  # another test may have imported them
        monkeypatch.delitem(sys.modules, name, raising=False)
        monkeypatch.delattr(calibration, name.partition(".")[2], raising=False)
    code, said = call("validate", tmp_path, tmp_path)
    assert (code, said) == (2, "error: the package scipy is not installed; run pip install '.[calibration]'\n")


def test_a_module_of_our_own_that_is_absent_is_no_package(
    call: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "calibration.validate", None)
    monkeypatch.delattr(calibration, "validate", raising=False)
    with pytest.raises(ModuleNotFoundError):
        call("validate", tmp_path, tmp_path)

"""Behind a bench that was refused or broke off, nothing in its folder says that an earlier one passed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest

from hil_tests import __main__ as program
from hil_tests import test_limits
from hil_tests.bench import junit, results
from hil_tests.bench.limits import Held, Limit, Mark
from onboard.errors import InputError
from tests.conftest import REPOSITORY

PASSED = junit.xml([Held(Limit("auroc", at_least=0.5), 0.9, Mark.PASS)], "bench")
OLD = {
    "report.html": "<html><head><title>Campaign abc</title></head></html>",
    "junit.xml": PASSED,
    "figures.json": '{\n  "run": "abc"\n}',
}


def laid(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text)
    return folder


@pytest.mark.parametrize(
    ("setup", "why"),
    [
        (None, "bench.yaml: the file cannot be read"),
        ("stream: {data: nowhere}\nlimits: nowhere.yaml\nnode: {bundle: nowhere}\n", "nowhere.yaml"),
    ],
)
def test_a_refused_bench_leaves_no_old_pass(tmp_path: Path, setup: str | None, why: str) -> None:
    out, config = laid(tmp_path / "out", {**OLD, "notes.txt": "mine"}), tmp_path / "bench.yaml"
    if setup is not None:
        config.write_text(setup)
    assert program.main(["bench", str(config), "--out", str(out)]) == 2
    assert sorted(path.name for path in out.iterdir()) == ["junit.xml", "notes.txt"]
    suite = ElementTree.parse(out / "junit.xml").getroot()
    assert (suite.get("errors"), suite.get("tests")) == ("1", "1")
    error = suite.find("testcase/error")
    assert error is not None and why in (error.get("message") or "")


def test_pytest_voids_an_old_pass_where_it_is_refused_and_not_where_tests_are_listed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, figures = laid(tmp_path / "out", OLD), list[str]()
    asked: Any = SimpleNamespace(fixturenames=["figure"], parametrize=lambda _, values: figures.extend(values))
    monkeypatch.setattr(test_limits, "OUT", out)
    monkeypatch.setattr(test_limits, "BENCH", REPOSITORY / "configs" / "bench.yaml")
    monkeypatch.chdir(REPOSITORY)
    test_limits.pytest_generate_tests(asked)
    assert "ledger_errors" in figures and {path.name: path.read_text() for path in out.iterdir()} == OLD
    monkeypatch.setattr(test_limits, "BENCH", tmp_path / "none.yaml")
    with pytest.raises(InputError):
        test_limits.pytest_generate_tests(asked)
    assert [path.name for path in out.iterdir()] == ["junit.xml"]
    assert "none.yaml" in (out / "junit.xml").read_text()


def test_a_bench_that_is_killed_leaves_no_old_pass(tmp_path: Path) -> None:
    out = laid(tmp_path / "out", OLD)
    with results.voided(out, results.OF_BENCH):  # what a kill would leave
        assert [path.name for path in out.iterdir()] == ["junit.xml"]
        assert "has not ended" in (out / "junit.xml").read_text()
        (out / "junit.xml").write_text(PASSED)
    assert (out / "junit.xml").read_text() == PASSED


def test_what_no_bench_has_made_stays_and_nothing_is_made(tmp_path: Path) -> None:
    mine = {"report.html": "<title>Mine</title>", "junit.xml": '<testsuite name="unit"/>', "figures.json": "{}"}
    out = laid(tmp_path / "out", mine)
    for folder in (out, tmp_path / "nowhere"):
        assert program.main(["bench", str(tmp_path / "none.yaml"), "--out", str(folder)]) == 2
    assert {path.name: path.read_text() for path in out.iterdir()} == mine
    assert not (tmp_path / "nowhere").exists()


def test_a_refused_measurement_of_latency_leaves_no_old_one(tmp_path: Path) -> None:
    out = laid(tmp_path / "out", {"latency.html": "<title>Latency</title>", "latency.json": '{"environment": {}}'})
    assert program.main(["latency", str(tmp_path / "none.yaml"), "--out", str(out)]) == 2
    assert not list(out.iterdir())

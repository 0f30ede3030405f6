"""What is wrong with a bench's data, packages or commands is said in one line, before a campaign."""

import sys
from pathlib import Path

import pytest

from hil_tests import __main__ as program
from hil_tests.bench import pictures, workbench
from onboard import strict_yaml
from onboard.errors import InputError


@pytest.mark.parametrize(
    ("data", "word"),
    [
        (b"filename,class,bbox\n\xff\xfe.png,debris,\"[1, 2, 3, 4]\"\n", "val.csv: not a CSV text file"),
        (b"filename,class,bbox\n" + b"x" * 200_000 + b",debris,\n", "val.csv: not a CSV text file"),
        (b"filename,bbox,class\na.png,\"[1, 2, 3, 4]\"\n", "val.csv:2: not a row"),
        (b"filename,class,bbox\na.png,debris,4\n", "val.csv:2: not a row"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_named(tmp_path: Path, data: bytes, word: str) -> None:
    (tmp_path / "val.csv").write_bytes(data)
    with pytest.raises(InputError, match=word):
        pictures.load(tmp_path, 2)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        ("print('Welcome to the board')", "line 1 .* 'Welcome to the board'"),
        ("import sys; sys.stdout.buffer.write(b'\\xff\\n')", "line 1 "),
        ('print(\'{"run": "00", "frame_id": 1, "status": null, "reason": null}\\nbye\')', "line 2 .* 'bye'"),
        ("import sys; sys.exit('no such ring')", "failed with code 1: no such ring"),
    ],
)
def test_a_journal_that_is_none_is_named_with_its_command(code: str, word: str) -> None:
    with pytest.raises(InputError, match=f"(?s)journal's command .*{word}"):
        list(workbench._printed((sys.executable, "-S", "-c", code)))


def test_a_journals_command_that_there_is_not_is_named() -> None:
    with pytest.raises(InputError, match="no-such-program RING cannot be run: No such file"):
        list(workbench._printed(("no-such-program", "RING")))


def test_a_report_that_cannot_be_drawn_is_refused_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    setup = {"stream": {"data": "nowhere"}, "node": {"bundle": "nowhere"}, "limits": "nowhere.yaml"}
    (tmp_path / "bench.yaml").write_text(strict_yaml.dump(setup))
    monkeypatch.setitem(sys.modules, "matplotlib", None)  # as where it is not installed
    for command in (["bench", str(tmp_path / "bench.yaml")], ["seu", "nowhere", "nowhere"]):
        assert program.main(command) == 2
        assert "matplotlib is not installed" in capsys.readouterr().err

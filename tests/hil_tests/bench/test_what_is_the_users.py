"""A bench removes nothing that it has not made, and a command of the user's cannot hold it up for ever."""

from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from hil_tests import __main__ as program
from hil_tests.bench import campaign
from hil_tests.bench.limited_command import CommandError, output_of
from hil_tests.bench.workbench import Workbench
from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.errors import InputError
from tests.conftest import Drawn
from tests.onboard import small_flight


def test_a_bundle_beside_the_reports_is_left_alone(drawn: Drawn, tmp_path: Path) -> None:
    """As `--bundle runs/demo/bundle --out runs/demo` has it."""
    bundle = small_flight.write_bundle(tmp_path / "bundle", (64, 256), centred=True)
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "mine").write_text("kept")
    (tmp_path / "limits.yaml").write_text(strict_yaml.dump({"limits": [{"figure": "ledger_errors", "at_most": 0}]}))
    setup = {
        "stream": {"data": str(drawn.root), "pictures": 3, "rate_hz": 50},
        "node": {"bundle": str(bundle)},
        "limits": str(tmp_path / "limits.yaml"),
        "frames": 10,
    }
    (tmp_path / "bench.yaml").write_text(strict_yaml.dump(setup))
    assert program.main(["bench", str(tmp_path / "bench.yaml"), "--out", str(tmp_path)]) == 0
    assert bundles.read(bundle).manifest.model == "model.onnx"
    assert (tmp_path / "journal" / "mine").read_text() == "kept"
    with pytest.raises(SystemExit):  # an unset variable would be the current folder
        program.main(["bench", str(tmp_path / "bench.yaml"), "--out", ""])


@pytest.mark.parametrize(
    ("command", "says"),
    [("sleep 20", "did not end in 0.3 s"), ("yes", "more than 100000 bytes"), ("echo why >&2; exit 3", "code 3: why")],
)
def test_a_command_that_does_not_do_its_work_is_given_up(command: str, says: str) -> None:
    with pytest.raises(CommandError, match=says):
        output_of(["bash", "-c", f"exec {command}" if ";" not in command else command], 0.3, 100_000)
    assert output_of(["echo", "well"], 5, 100) == b"well\n"


def test_a_journal_that_fails_behind_a_campaign_loses_no_campaign() -> None:
    def records(run: bytes) -> None:
        raise InputError("the link is gone")

    said: dict[str, str] = {}
    elsewhere = cast(Workbench, SimpleNamespace(node=None, records=records))
    assert campaign._records(elsewhere, b"", said) is None
    assert "the link is gone" in said["journal"]
    with pytest.raises(InputError):  # of a node that the bench has started, that is a fault of the bench
        campaign._records(cast(Workbench, SimpleNamespace(node=object(), records=records)), b"", said)

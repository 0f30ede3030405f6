"""pytest hil_tests: one campaign, and a test for each limit.

$DEBRIS_BENCH and $DEBRIS_PLAN name other files than configs/bench.yaml and configs/faults_short.yaml; an empty
$DEBRIS_PLAN means no faults. The report goes to $DEBRIS_BENCH_OUT, else runs/bench.
"""

import os
from pathlib import Path

import pytest

from hil_tests.bench import command, limits, results
from hil_tests.bench.config import load
from hil_tests.bench.limits import Held, Mark
from onboard.errors import InputError

BENCH = Path(os.environ.get("DEBRIS_BENCH", "configs/bench.yaml"))
PLAN = os.environ.get("DEBRIS_PLAN", "configs/faults_short.yaml")
OUT = Path(os.environ.get("DEBRIS_BENCH_OUT", "runs/bench"))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "figure" in metafunc.fixturenames:
        try:
            figures = [each.figure for each in limits.read(Path(load(BENCH).limits))]
        except InputError:  # else the campaign voids an earlier one's results: to list the tests shall not
            with results.voided(OUT, results.OF_BENCH):
                raise
        metafunc.parametrize("figure", figures)


@pytest.fixture(scope="session")
def held() -> dict[str, Held]:
    done, found = command.bench(load(BENCH), Path(PLAN) if PLAN else None, OUT)
    print(command.text(done, found))
    return {each.limit.figure: each for each in found}


def test_limit(figure: str, held: dict[str, Held], capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(held[figure].line())
    if held[figure].mark is Mark.NOT_MEASURED:
        pytest.skip("not measured in this campaign")
    assert held[figure].mark is Mark.PASS, held[figure].line().strip()

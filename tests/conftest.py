"""What several test folders need: where the real data lies, if it is here at all."""

import os
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Reference numbers and real data beside the repository; tests that need them skip where they are absent."""
    return Path(os.environ.get("DEBRIS_SHARED", REPOSITORY.parent / "shared"))


@pytest.fixture(scope="session")
def spark_sample(shared_folder: Path) -> Path:
    """The real SPARK-2022 sample; $DEBRIS_SPARK_SAMPLE may name another place."""
    folder = Path(os.environ.get("DEBRIS_SPARK_SAMPLE", shared_folder / "spark2022_sample"))
    if not (folder / "train.csv").exists():
        pytest.skip("the real SPARK sample is not here (set DEBRIS_SPARK_SAMPLE to its folder)")
    return folder

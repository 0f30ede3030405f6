"""What lies beside a bundle: the results of the commands, and whether they are of its graph."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from calibration import results
from onboard.bundle import Bundle
from onboard.detector import Detector


@dataclass(frozen=True)
class Found:
    """The bundle and what is known of it; None: not run, or for another graph.

    Attributes:
        bundle: checked.
        validate, tracks, int8, bounds: see the commands of these names.
        notes: what was left out or has changed since, plain text.
    """

    bundle: Bundle
    validate: dict[str, Any] | None
    tracks: dict[str, Any] | None
    int8: dict[str, Any] | None
    bounds: dict[str, Any] | None
    notes: list[str]

    def command(self, name: str, more: str = "") -> str:
        """The command line that makes a missing part."""
        return " ".join(f"python -m calibration {name} {self.bundle.folder} DATA {more}".split())


def read(folder: Path, cache: Path) -> Found:
    """Read a bundle and its results.

    Args:
        folder: the bundle.
        cache: folder of the scores and results.

    Raises:
        InputError: the bundle fails its checks, or a file of results is damaged.
    """
    bundle = Detector.load(folder).bundle
    model = bundle.manifest.files[bundle.manifest.model]
    notes: list[str] = []

    def of(name: str) -> dict[str, Any] | None:
        found = results.read(cache / name)
        if found is None:
            return None
        if found.get("model_sha256") != model:
            notes.append(f"{name} was made with another graph, or by an older version, and is left out: run it again.")
            return None
        if found.get("bundle") != bundle.sha256 and name in (results.VALIDATE, results.TRACKS):
            notes.append(f"{name} was made before the bundle's last calibration.")
        return found

    return Found(bundle, of(results.VALIDATE), of(results.TRACKS), of(results.INT8), of(results.BOUNDS), notes)

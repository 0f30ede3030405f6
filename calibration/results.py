"""What the commands leave for the report: a JSON file each, in the folder of the scores."""

import json
import math
from pathlib import Path
from typing import Any

from onboard import files
from onboard.bundle import Bundle
from onboard.errors import InputError

VALIDATE, TRACKS, INT8, BOUNDS = "validate.json", "tracks.json", "int8.json", "bounds.json"


def write(path: Path, bundle: Bundle, found: dict[str, Any]) -> None:
    """Write what a command found, beside the bundle and the graph that it was found with; NaN becomes null."""
    manifest = bundle.manifest
    head = {"bundle": bundle.sha256, "model_sha256": manifest.files[manifest.model]}
    files.write_text(path, json.dumps(_finite({**head, **found}), indent=2) + "\n")


def read(path: Path) -> dict[str, Any] | None:
    """What `write` wrote; None where the command was not run.

    Raises:
        InputError: the file is damaged.
    """
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}); run the command that wrote it again") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: holds no results; run the command that wrote it again")
    return found


def _finite(value: Any) -> Any:
    """JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _finite(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

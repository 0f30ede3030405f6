"""torch states on disk, whole or not at all."""

import io
from pathlib import Path
from typing import Any

import torch

from onboard import files


def save(path: Path, state: dict[str, Any]) -> None:
    """Write a state. torch's own writer turns a full disk into a RuntimeError; this one leaves it an OSError.

    Raises:
        OSError: the file cannot be written.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    files.write_bytes(path, buffer.getvalue())

"""What a result came from: configuration, seed, versions of the libraries, state of the code."""

import functools
import platform
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

_LIBRARIES = (
    "numpy", "opencv-python", "onnxruntime", "onnx", "torch", "torchvision", "timm", "scikit-learn", "vtk",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Versions of Python and of the libraries that can change a result; absent ones are left out."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


@functools.cache  # of the code that runs, which is that of the start; and in flight nothing shall wait for git
def git_state() -> dict[str, Any]:
    """The commit of the code that runs, and whether the work tree differs from it; empty outside a checkout."""
    here = Path(__file__).resolve().parent
    top, commit = _git(here, "rev-parse", "--show-toplevel"), _git(here, "rev-parse", "HEAD")
    # An installed copy may lie in some other project's checkout, whose commit says nothing.
    if top is None or commit is None or Path(top).resolve() != here.parent:
        return {}
    return {"commit": commit, "changed": bool(_git(here, "status", "--porcelain"))}


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=True, timeout=30
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def record(seed: int, **more: Any) -> dict[str, Any]:
    """Seed, versions, code and machine, with whatever else the result depends on."""
    return {
        "seed": seed,
        "git": git_state(),
        "versions": versions(),
        "machine": {"system": platform.system(), "processor": platform.machine()},
        **more,
    }

"""Which TensorRT this machine has: JetPack's or a workstation's `tensorrt`, or TensorRT for RTX."""

import importlib
from typing import Any

from onboard.errors import InputError

RUNTIMES = ("tensorrt", "tensorrt_rtx")
_REMEDY = (
    "on a Jetson use a virtual environment made with --system-site-packages, which sees JetPack's own module; on a "
    "workstation with CUDA install 'tensorrt' (pip install 'debris-rider[tensorrt]'), or 'tensorrt-rtx' for an RTX "
    "card; docs/jetson.md tells more"
)


def load(name: str | None = None) -> Any:
    """Import TensorRT.

    Args:
        name: one of `RUNTIMES`; None takes the first that is installed.

    Raises:
        InputError: none is installed, or one is and cannot be loaded.
    """
    for candidate in RUNTIMES if name is None else (name,):
        try:
            return importlib.import_module(candidate)
        except ModuleNotFoundError as error:
            if error.name != candidate:
                raise _broken(candidate, error) from error
        except (ImportError, OSError) as error:  # a shared library or the driver is missing
            raise _broken(candidate, error) from error
    raise InputError(f"{name or ' and '.join(RUNTIMES)}: not installed for this Python; {_REMEDY}")


def _broken(name: str, error: Exception) -> InputError:
    other = next(runtime for runtime in RUNTIMES if runtime != name)
    return InputError(
        f"{name}: installed, but it cannot be loaded ({error}). On a Jetson: the libraries must be those of the "
        "JetPack that is flashed ('sudo apt install --reinstall nvidia-jetpack'; in a container, run it with "
        "--runtime nvidia); on a workstation: install NVIDIA's driver, and reinstall the package without its cache; "
        f"or take the other one with --runtime {other}"
    )

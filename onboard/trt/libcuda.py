"""CUDA's driver library through ctypes: it is wherever a GPU can be used, with no toolkit and no Python package."""

import ctypes
import functools
from ctypes import byref, c_char_p, c_int
from typing import Any

_LIBRARIES = ("libcuda.so.1", "nvcuda.dll")


class CudaError(Exception):
    """A driver function is absent or did not return CUDA_SUCCESS; the message names function and code."""


@functools.cache
def load() -> Any:
    """The driver library, or None where there is none."""
    for library in _LIBRARIES:
        try:
            return ctypes.CDLL(library)
        except OSError:
            continue
    return None


def call(name: str, *arguments: Any) -> None:
    """Call a driver function and check its return code.

    Args:
        name: the exported symbol, with its version suffix.
        arguments: ctypes values; a bare int would be cut to 32 bits.

    Raises:
        CudaError: it failed, or this driver lacks it.
    """
    library = load()
    function = getattr(library, name, None)
    if function is None:
        raise CudaError(f"{name}: not in this machine's CUDA driver library")
    code = function(*arguments)
    if code != 0:
        raise CudaError(f"{name}: {_error_name(library, code)}")


def _error_name(library: Any, code: int) -> str:
    text = c_char_p()
    if library.cuGetErrorName(c_int(code), byref(text)) == 0 and text.value:
        return text.value.decode("ascii", errors="replace")
    return f"error {code}"

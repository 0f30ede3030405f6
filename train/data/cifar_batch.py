"""CIFAR's pickled files, read without letting a pickle run code."""

import pickle
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

from onboard.errors import InputError
from onboard.image import Frame

SIDE = 32
_lock = Lock()


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """Python 3 writes bytes in old pickle protocols as `_codecs.encode(text, 'latin1')`."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"the encoding {encoding!r} is not allowed")
    return text.encode("latin1")


# NumPy has moved these between its versions; asking arrays how they are pickled finds them in each.
_RECONSTRUCT: Any = np.zeros(0).__reduce__()[0]
_FROM_BUFFER: Any = np.zeros(1).__reduce_ex__(5)[0]
_SCALAR: Any = np.int64(0).__reduce__()[0]
_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _latin1,
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _RECONSTRUCT
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _SCALAR
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _FROM_BUFFER


class _Unpickler(pickle.Unpickler):
    """Knows NumPy's arrays and nothing else: a pickle can call whatever it can find."""

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no CIFAR file needs") from None


def load(path: Path) -> dict[bytes, Any]:
    """Read a pickled dict, as CIFAR's files are.

    Raises:
        InputError: the file cannot be read, or is not a pickle of plain values and arrays.
    """
    try:
        with path.open("rb") as file:
            content = _Unpickler(file, encoding="bytes").load()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); is the CIFAR folder complete?") from error
    except Exception as error:  # a damaged pickle fails with almost any kind of exception
        raise InputError(f"{path}: not a CIFAR file, or a damaged one ({error}); fetch it again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: not a CIFAR file: it holds a {type(content).__name__}, a dict is needed")
    return {key.encode() if isinstance(key, str) else key: value for key, value in content.items()}


def images(path: Path) -> npt.NDArray[np.uint8]:
    """A batch's images as uint8 RGB [N, 32, 32, 3]; the file holds each as 3072 bytes, the red plane first.

    Raises:
        InputError: as `load`, or the images have another shape or type.
    """
    with _lock:  # so that threads that want the same batch do not each read it
        return _images(path, path.stat().st_mtime_ns if path.exists() else 0)


def frame(path: Path, row: int) -> Frame:
    """One image of a batch as uint8 RGB [32, 32, 3]."""
    return images(path)[row]


@lru_cache(maxsize=8)  # CIFAR-10 is six batches of 30 MB
def _images(path: Path, _changed_ns: int) -> npt.NDArray[np.uint8]:
    data = load(path).get(b"data")
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * SIDE * SIDE,):
        raise InputError(f"{path}: b'data' is not an array of uint8 [N, {3 * SIDE * SIDE}]; fetch the file again")
    return np.ascontiguousarray(data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1))

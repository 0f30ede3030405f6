"""Errors that a user can act on, and words for those that nobody foresaw."""

from pathlib import Path
from traceback import extract_tb


class InputError(Exception):
    """Something that the user gave cannot be used.

    The message names the file, the value and the remedy; command lines print it without a traceback.
    """


class RateError(InputError):
    """A false-alarm rate that the calibration cannot support."""


class GpuRefusalError(InputError):
    """A GPU does not take an engine whose file is whole: it may be full, and take it when another one is closed."""


def unforeseen(error: Exception) -> str:
    """A fault of the node in words: what it is, and where it was raised."""
    at = extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {Path(at.filename).name}:{at.lineno}: {error}; a fault of the node: report it"

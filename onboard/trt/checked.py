"""TensorRT's way to say no, made into errors."""

from pathlib import Path
from typing import Any

from onboard.errors import GpuRefusalError


class Checked:
    """Checks what TensorRT returns.

    Args:
        path: the engine's file, which errors name.
        logger: keeps TensorRT's own words.
        remedy: what to do about it.
    """

    def __init__(self, path: Path, logger: Any, remedy: str) -> None:
        self._path, self._logger, self._remedy = path, logger, remedy

    def __call__(self, returned: Any, what: str) -> Any:
        """Give back what TensorRT returned.

        Raises:
            GpuRefusalError: it is None or False; `what` says what failed, and names the tensor where there is one.
        """
        if returned is None or returned is False:
            raise self.error(what)
        return returned

    def error(self, what: str) -> GpuRefusalError:
        """The error, with TensorRT's own words."""
        return GpuRefusalError(f"{self._path}: {what} ({self.words()}); {self._remedy}")

    def words(self) -> str:
        """TensorRT's errors since the last time."""
        text = str(self._logger.text())
        self._logger.errors.clear()
        return text

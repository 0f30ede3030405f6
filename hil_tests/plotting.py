"""Reports draw what was measured; without Matplotlib that is known before anything is measured."""

from importlib.util import find_spec

from onboard.errors import InputError


def refuse_without_matplotlib() -> None:
    """To be called first: a report comes at the end, perhaps after hours.

    Raises:
        InputError: Matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise InputError("matplotlib is not installed, for the report; run pip install '.[hil]'")

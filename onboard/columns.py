"""The columns of a CSV file."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from onboard.errors import InputError


def refuse_twins(header: Sequence[str], path: Path) -> None:
    """Refuse two columns of one name, but for its case: which of them counts could not be known.

    Args:
        header: the columns' names; nameless ones are nobody's.
        path: of the file, for the message.

    Raises:
        InputError: there are.
    """
    names = Counter(name.strip().casefold() for name in header)
    if twins := [name for name, times in names.items() if name and times > 1]:
        raise InputError(f"{path}: more than one column is named '{twins[0]}'; rename or remove all but one")

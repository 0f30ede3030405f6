"""Small files that the start of a node writes."""

from pathlib import Path

from onboard import files
from onboard.errors import InputError
from onboard.event import Events


def keep(path: Path, text: str, events: Events) -> bool:
    """Write a file that nothing in flight needs; whether it is written. A disk that is full, read-only or failing must
    not keep a node from starting again.

    Args:
        path: of the file, in output.folder.
        text: what it is to hold.
        events: told `output_lost` of such a disk.

    Raises:
        InputError: it cannot be written for another reason, such as that it is another user's.
    """
    try:
        files.write_text(path, text)
    except OSError as error:
        if error.errno not in files.FAILING | files.FULL:
            taken = isinstance(error, IsADirectoryError)
            remedy = "remove it" if taken else f"give it, and {path.parent}, to this user (chown)"
            why = f"cannot be written ({error.strerror}); {remedy}, or name another folder (output.folder)"
            raise InputError(f"{path}: {why}") from error
        events.add("output_lost", f"{path}: {error.strerror}")
        return False
    return True

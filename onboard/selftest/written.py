"""Files that are there before the node writes them: whether it may, and whether another node has them. Each question
gives a sentence with the file, why not, and the remedy; None: the node can go on. Nothing is written or made."""

import errno
import fcntl
import os
import stat
from pathlib import Path

from onboard import files, hold

_CAP_FOWNER = 3  # capabilities(7): to replace files of others in a folder where users remove only their own


def opened(path: Path, key: str) -> str | None:
    """Why the node could not open a file for writing, and lock it.

    Args:
        path: of the file; it need not be there.
        key: of the configuration that names the place.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return _absent(path, key)
    except OSError as error:
        return _refused(path, str(error.strerror), key)
    if not stat.S_ISREG(mode):  # not to be opened: that alone may start something in a device
        return _no_file(path, mode, key)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError as error:
        if error.errno == errno.EROFS:
            return f"{path}: is on a read-only file system; mount it for writing, or name another place ({key})"
        return _refused(path, str(error.strerror), key)
    try:  # shared, and let go at once: it takes nothing from a node that has it, nor from another self-test
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return f"{path}: {hold.holder(descriptor)} has it, so a node flies; stop it, or name another place ({key})"
    except OSError as error:
        return f"{path}: cannot be locked ({error.strerror}); name another place ({key})"
    finally:
        os.close(descriptor)
    return None


def replaced(path: Path, key: str) -> str | None:
    """Why the node could not put a new file in this one's place; the folder can be written. Arguments: as above."""
    try:
        found, folder = path.lstat(), path.parent.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        return _refused(path, str(error.strerror), key)
    # A link is replaced itself, wherever it leads.
    if not (stat.S_ISREG(found.st_mode) or stat.S_ISLNK(found.st_mode)):
        return _no_file(path, found.st_mode, key)
    if folder.st_mode & stat.S_ISVTX and os.geteuid() not in (found.st_uid, folder.st_uid) and not _may_as_owner():
        return _refused(path, "another user's, in a folder with the sticky bit", key)
    return None


def _absent(path: Path, key: str) -> str | None:
    """A link to a file that is not there yet is followed, and the file made."""
    if path.is_symlink() and not os.access(path.resolve().parent, os.W_OK | os.X_OK):
        return f"{path}: is a link to where nothing can be made; remove it, or name another place ({key})"
    return None


def _refused(path: Path, why: str, key: str) -> str:
    return f"{path}: cannot be written ({why}); give it to the node's user (chown), or name another place ({key})"


def _no_file(path: Path, mode: int, key: str) -> str:
    return f"{path}: is {files.kind(mode)}, and the node keeps a file there; remove it, or name another place ({key})"


def _may_as_owner() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) >> _CAP_FOWNER & 1)
    return False

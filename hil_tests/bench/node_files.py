"""The files of a node that the bench starts: its configuration, its bundle, its journal."""

import fcntl
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from hil_tests.bench.config import BenchConfig, NodeSetup
from hil_tests.bundle_copy import copied
from onboard import strict_yaml
from onboard.errors import InputError

_SHM, PREFIX = Path("/dev/shm"), "debris-hil-"
FLOWN = ".flown_by_bench"  # folder of the copy that faults damage, in that of the reports


def settings(
    config: BenchConfig,
    node: NodeSetup,
    bundle: Path,
    endpoint: str,
    verdicts: str,
    ring: Path,
    archive: Path,
    folder: Path,
    protections: dict[str, Any],
) -> dict[str, Any]:
    """The node's configuration file; `protections` by dotted name, and over them the campaign's own settings."""
    settings: dict[str, Any] = {
        "bundle": str(bundle),
        "source": {"kind": "stream", "endpoint": endpoint},
        # Every record of the campaign stays in the archive or the ring, so that the ledger sees all of them.
        "journal": {"ring": str(ring), "archive": str(archive), "archive_files": 1_000_000},
        # Small files, so that a small disk is full when a fault fills it, and not before.
        "output": {
            "folder": str(folder),
            "file_mb": 1,
            "socket": {"kind": "push", "endpoint": verdicts, "bind": False},
        },
        "stale_ms": config.stale_ms,
        "deadline_ms": config.deadline_ms,
    }
    for dotted, value in (protections | node.settings).items():
        *place, last = dotted.split(".")
        at = settings
        for key in place:
            at = at.setdefault(key, {})
            if not isinstance(at, dict):
                raise InputError(f"node.settings: {dotted}: '{key}' is no mapping in the node's configuration")
        at[last] = value
    return settings


def copied_bundle(node: NodeSetup, out: Path, opened: ExitStack) -> Path:
    """A copy of the bundle for the node, which faults may damage."""
    if not (Path(node.bundle) / "manifest.yaml").is_file():
        raise InputError(f"{node.bundle}: no bundle: no manifest.yaml there (node.bundle)")
    place = out / FLOWN  # what else lies in `out` may be the user's, and the bundle itself: runs/demo has a bundle
    if Path(node.bundle).resolve().is_relative_to(place.resolve()):
        raise InputError(f"{node.bundle}: a bench's own copy, which the next bench removes; name the bundle itself")
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    opened.callback(shutil.rmtree, place, ignore_errors=True)
    return copied(Path(node.bundle), place / "bundle")


def remove_archive(folder: Path) -> None:
    """Remove records that an earlier bench's node has left, and nothing else."""
    for path in folder.glob("*.drj*"):
        path.unlink()


def journal_commands(ring: Path, archive: Path) -> tuple[tuple[str, ...], ...]:
    places = [archive] if any(archive.glob("*.drj")) else []
    return tuple((sys.executable, "-m", "onboard", "journal", str(place), "--records") for place in (*places, ring))


def model_file(bundle: Path) -> str:
    manifest = bundle / "manifest.yaml"
    try:
        return str(strict_yaml.parse(strict_yaml.text_of(strict_yaml.read(manifest), manifest), str(manifest))["model"])
    except KeyError as error:
        raise InputError(f"{manifest}: names no model (node.bundle)") from error


def memory_folder(opened: ExitStack) -> Path:
    """A folder on a tmpfs where there is one, so that no storage is in the node's loop."""
    place = _SHM if _SHM.is_dir() else Path(tempfile.gettempdir())
    with locked(place):  # a folder that was just made is not yet locked
        for left in place.glob(f"{PREFIX}*"):
            _remove_unless_in_use(left)
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
        opened.callback(shutil.rmtree, folder, ignore_errors=True)
        opened.enter_context(locked(folder))
    return folder


@contextmanager
def locked(folder: Path, wait: bool = True) -> Iterator[None]:
    """Keep a folder; the kernel gives it up where this process dies.

    Raises:
        BlockingIOError: another process keeps it, and `wait` is false.
    """
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(place)


def _remove_unless_in_use(folder: Path) -> None:
    """A bench that was killed leaves its folder, and nobody else removes what lies in memory."""
    with suppress(OSError), locked(folder, wait=False):
        shutil.rmtree(folder, ignore_errors=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

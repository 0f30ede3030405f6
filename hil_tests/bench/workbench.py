"""What stands on the bench while a campaign runs: node, receiver, sender, disk; put away at its end."""

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from hil_tests.bench.config import BenchConfig, NodeSetup
from hil_tests.bench.disk import Disk, small_disk
from hil_tests.bench.ledger import Record, Sent
from hil_tests.bench.node import NodeProcess
from hil_tests.bench.pictures import Picture
from hil_tests.bench.receiver import Receiver
from hil_tests.bench.sender import Sender
from onboard import files, strict_yaml
from onboard.errors import InputError

_READY_S = 60.0
_QUIET_S, _SURPLUS_S, _MOST_QUIET_S = 2.0, 0.3, 20.0


@dataclass
class Workbench:
    """Attributes:
    sender, receiver: the bench's own ends.
    node: the process under test; None: it runs elsewhere.
    model: the file of its copy of the bundle that a fault may damage.
    disk: where its output lies, where a fault fills it.
    journal: gives the commands that print its records, some of them twice; none where they cannot be had.
    """

    sender: Sender
    receiver: Receiver
    node: NodeProcess | None
    model: Path | None
    disk: Disk | None
    journal: Callable[[], tuple[tuple[str, ...], ...]]

    def wait_until_ready(self) -> None:
        """Send frames of another run until one gets a verdict.

        Raises:
            InputError: none does.
        """
        run, until = uuid.uuid4().bytes, time.monotonic() + _READY_S
        while time.monotonic() < until:
            if self.node is not None:
                self.node.check()
            self.sender.send(run, 1, first_picture=1)  # the campaign begins with another, which is not frozen
            if self.receiver.wait_for(run, 1, 0.3):
                self.receiver.wait_for(run, 1 << 30, 0.5)  # let the rest of them go by
                return
        said = f": {self.node.said()}" if self.node is not None else "; are frames and verdicts the right endpoints?"
        raise InputError(f"the node gave no verdict within {_READY_S:g} s{said}")

    def wait_until_quiet(self, run: bytes, sent: list[Sent]) -> None:
        """Wait until every frame has its verdict, or for a while none has come."""
        until, expected = (
            time.monotonic() + _MOST_QUIET_S,
            sum(bool(each.handed_over) for each in sent if each.is_frame),
        )
        while time.monotonic() < until:
            count = len(self.receiver.of(run))
            # Behind the last one a doubled verdict could still come.
            if not self.receiver.wait_for(run, count + 1, _QUIET_S if count < expected else _SURPLUS_S):
                return

    def records(self, run: bytes) -> list[Record] | None:
        """The node's records of a run; None where they cannot be had.

        Raises:
            InputError: the command fails.
        """
        commands = self.journal()
        if not commands:
            return None
        found: dict[int, Record] = {}
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                raise InputError(f"the journal's command {' '.join(command)} failed: {done.stderr.strip()}")
            for line in done.stdout.splitlines():
                record = msgspec.json.decode(line, type=Record)
                found[record.sequence] = record
        return [record for record in found.values() if record.run == run.hex()]


@contextmanager
def workbench(config: BenchConfig, pictures: list[Picture], out: Path, fill_disk: bool) -> Iterator[Workbench]:
    """Set everything up: a node on loopback, or the ends of one that flies elsewhere."""
    with ExitStack() as opened:
        if config.remote is not None:
            remote = config.remote
            receiver = Receiver(remote.verdicts, False, remote.curve)
            opened.callback(receiver.close)
            sender = Sender(config.stream, pictures, remote.frames, remote.curve, config.seed)
            opened.callback(sender.close)
            flown = () if remote.journal is None else (remote.journal,)
            yield Workbench(sender, receiver, None, None, None, lambda: flown)
            return
        assert config.node is not None
        keep_journal, restart_s = config.node.keep_journal, config.node.restart_s
        receiver = Receiver("tcp://127.0.0.1:0", True)
        opened.callback(receiver.close)
        folder = out / "node"
        disk = small_disk(folder) if fill_disk else None
        if disk is not None:
            opened.callback(disk.close)
        ring = _memory(opened) / "journal"
        bundle = _copied(config.node, out, opened)
        endpoint = f"tcp://127.0.0.1:{_free_port()}"
        archive = out / "journal"
        shutil.rmtree(archive, ignore_errors=True)
        settings = _settings(config, config.node, bundle, endpoint, receiver.endpoint, ring, archive, folder)
        files.write_text(out / "node.yaml", strict_yaml.dump(settings))

        def before_restart() -> None:
            if not keep_journal:
                ring.unlink(missing_ok=True)

        node = NodeProcess(out / "node.yaml", out / "node.log", restart_s, before_restart)
        opened.callback(node.end)
        sender = Sender(config.stream, pictures, endpoint, None, config.seed)
        opened.callback(sender.close)
        yield Workbench(sender, receiver, node, bundle / _model(bundle), disk, partial(_journal, ring, archive))


def _settings(
    config: BenchConfig,
    node: NodeSetup,
    bundle: Path,
    endpoint: str,
    verdicts: str,
    ring: Path,
    archive: Path,
    folder: Path,
) -> dict[str, Any]:
    """The node's configuration file."""
    settings: dict[str, Any] = {
        "bundle": str(bundle),
        "source": {"kind": "stream", "endpoint": endpoint},
        # Every record of the campaign stays in the archive or the ring, so that the ledger sees all of them.
        "journal": {"ring": str(ring), "archive": str(archive), "archive_files": 1_000_000},
        "output": {"folder": str(folder), "socket": {"kind": "push", "endpoint": verdicts, "bind": False}},
        "stale_ms": config.stale_ms,
        "deadline_ms": config.deadline_ms,
    }
    for dotted, value in node.settings.items():
        *place, last = dotted.split(".")
        at = settings
        for key in place:
            at = at.setdefault(key, {})
            if not isinstance(at, dict):
                raise InputError(f"node.settings: {dotted}: '{key}' is no mapping in the node's configuration")
        at[last] = value
    return settings


def _copied(node: NodeSetup, out: Path, opened: ExitStack) -> Path:
    """A copy of the bundle for the node, which faults may damage."""
    if not (Path(node.bundle) / "manifest.yaml").is_file():
        raise InputError(f"{node.bundle}: no bundle: no manifest.yaml there (node.bundle)")
    bundle = out / "bundle"
    shutil.rmtree(bundle, ignore_errors=True)
    opened.callback(shutil.rmtree, bundle, ignore_errors=True)
    shutil.copytree(node.bundle, bundle)
    return bundle


def _journal(ring: Path, archive: Path) -> tuple[tuple[str, ...], ...]:
    places = [archive] if any(archive.glob("*.drj")) else []
    return tuple((sys.executable, "-m", "onboard", "journal", str(place), "--records") for place in (*places, ring))


def _model(bundle: Path) -> str:
    manifest = bundle / "manifest.yaml"
    try:
        return str(strict_yaml.parse(manifest.read_text(), str(manifest))["model"])
    except KeyError as error:
        raise InputError(f"{manifest}: names no model (node.bundle)") from error


def _memory(opened: ExitStack) -> Path:
    """A folder on a tmpfs where there is one, so that no storage is in the node's loop."""
    shm = Path("/dev/shm")
    folder = Path(tempfile.mkdtemp(prefix="debris-bench-", dir=shm if shm.is_dir() else None))
    opened.callback(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def summary(folder: Path) -> dict[str, Any] | None:
    """The node's own last page, where it could write one."""
    path = folder / "summary.json"
    try:
        return dict(json.loads(path.read_text()))
    except (OSError, ValueError):
        return None

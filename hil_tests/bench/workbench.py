"""What stands on the bench while a campaign runs: node, receiver, sender, disk; put away at its end."""

import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from hil_tests.bench import node_files, protections
from hil_tests.bench.config import BenchConfig, NodeSetup
from hil_tests.bench.disk import Disk, small_disk, unmount_what_was_left
from hil_tests.bench.history import Record, Sent
from hil_tests.bench.limited_command import CommandError, output_of
from hil_tests.bench.node import NodeProcess
from hil_tests.bench.pictures import Picture
from hil_tests.bench.plan import FaultPlan
from hil_tests.bench.receiver import Receiver
from hil_tests.bench.sender import Sender
from onboard import files, strict_yaml
from onboard.errors import InputError

_READY_S = 60.0
_QUIET_S, _SURPLUS_S, _MOST_QUIET_S = 2.0, 0.3, 20.0
_SHOWN = 80  # bytes of a line that is no record
_JOURNAL_S, _MOST_BYTES = 120.0, 1 << 30  # of a journal's command: a link that is gone, a command that never ends


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
        """Send frames of other runs until one gets a verdict.

        Raises:
            InputError: none does.
        """
        runs: list[bytes] = []
        until = time.monotonic() + _READY_S
        while time.monotonic() < until:
            if self.node is not None:
                self.node.check()
            # A verdict may be lost while sockets connect, and the same frame gets no second one.
            run = uuid.uuid4().bytes
            runs.append(run)
            self.sender.send(run, 1, first_picture=1)  # the campaign begins with another, which is not frozen
            if self.receiver.wait_for(run, 1, 0.3) or any(map(self.receiver.of, runs)):
                self.receiver.wait_for(run, 1 << 30, 0.5)  # let the rest of them go by
                return
        said = "; are frames and verdicts the right endpoints?"
        if self.node is not None:
            said = (
                f"; look at node.settings, {self.node.log} and node/events.jsonl beside it. {self.node.said()}".rstrip()
            )
        raise InputError(f"the node gave no verdict within {_READY_S:g} s{said}")

    def wait_until_quiet(self, run: bytes, sent: list[Sent]) -> None:
        """Wait until every frame has its verdict, or for a while none has come."""
        until = time.monotonic() + _MOST_QUIET_S
        expected = sum(bool(each.handed_over) for each in sent if each.is_frame)
        while time.monotonic() < until:
            count = len(self.receiver.of(run))
            # Behind the last one a doubled verdict could still come.
            if not self.receiver.wait_for(run, count + 1, _QUIET_S if count < expected else _SURPLUS_S):
                return

    def records(self, run: bytes) -> list[Record] | None:
        """The node's records of a run; None where they cannot be had.

        Raises:
            InputError: the command fails, or prints something other than records.
        """
        commands = self.journal()
        if not commands:
            return None
        found: dict[int, Record] = {}
        for command in commands:
            found |= {record.sequence: record for record in _printed(command)}
        return [record for record in found.values() if record.run == run.hex()]


def _printed(command: Sequence[str]) -> Iterator[Record]:
    """The records that a journal's command prints, one line of JSON each."""
    words = f"the journal's command {' '.join(command)}"
    try:
        printed = output_of(command, _JOURNAL_S, _MOST_BYTES)
    except OSError as error:
        raise InputError(f"{words} cannot be run: {error.strerror}") from error
    except CommandError as error:
        raise InputError(f"{words} {error}") from error
    for number, line in enumerate(printed.splitlines(), 1):
        try:
            yield msgspec.json.decode(line, type=Record)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(
                f"{words}: line {number} of what it prints is no record ({error}): "
                f"{line[:_SHOWN].decode(errors='replace')!r}; it has to print what 'python -m onboard journal RING "
                "--records' does, and nothing else"
            ) from error


@contextmanager
def workbench(
    config: BenchConfig,
    pictures: list[Picture],
    out: Path,
    plan: FaultPlan | None = None,
    before_start: Callable[[Path], None] = lambda _: None,
) -> Iterator[Workbench]:
    """Set everything up, and put it away.

    Args:
        config: names the node.
        pictures: that are sent.
        out: folder for the files of a node that is started here.
        plan: faults, some of which need a disk that can be filled, or a protection that is off by default.
        before_start: given the copy of the bundle, before a node that is started here reads it.
    """
    with ExitStack() as opened:
        if config.node is None:
            yield _elsewhere(config, pictures, opened)
        else:
            yield _here(config, config.node, pictures, out, plan, before_start, opened)


def _elsewhere(config: BenchConfig, pictures: list[Picture], opened: ExitStack) -> Workbench:
    """The ends of a node that flies already."""
    remote = config.remote
    assert remote is not None
    receiver = Receiver(remote.verdicts, False, remote.curve)
    opened.callback(receiver.close)
    sender = Sender(config.stream, pictures, remote.frames, remote.curve, config.seed)
    opened.callback(sender.close)
    commands = () if remote.journal is None else (remote.journal,)
    return Workbench(sender, receiver, None, None, None, lambda: commands)


def _here(
    config: BenchConfig,
    setup: NodeSetup,
    pictures: list[Picture],
    out: Path,
    plan: FaultPlan | None,
    before_start: Callable[[Path], None],
    opened: ExitStack,
) -> Workbench:
    """A node on loopback."""
    receiver = Receiver("tcp://127.0.0.1:0", True)
    opened.callback(receiver.close)
    folder, archive, log = out / "node", out / "journal", out / "node.log"
    node_files.remove_archive(archive)
    log.unlink(missing_ok=True)
    unmount_what_was_left(folder)
    disk = small_disk(folder) if plan is not None and plan.has("disk_full", "disk_full_kill") else None
    if disk is not None:
        opened.callback(disk.close)
    ring = node_files.memory_folder(opened) / "journal"
    bundle = node_files.copied_bundle(setup, out, opened)
    model = bundle / node_files.model_file(bundle)
    endpoint = f"tcp://127.0.0.1:{node_files.free_port()}"
    asked = protections.asked_for(plan, pictures)
    if setup.sign:
        asked["signature.public_key"] = str(protections.sign(bundle, out))
    settings = node_files.settings(config, setup, bundle, endpoint, receiver.endpoint, ring, archive, folder, asked)
    files.write_text(out / "node.yaml", strict_yaml.dump(settings))

    def before_restart() -> None:
        if not setup.keep_journal:
            ring.unlink(missing_ok=True)

    before_start(bundle)
    node = NodeProcess(out / "node.yaml", log, setup.restart_s, before_restart)
    opened.callback(node.end)
    sender = Sender(config.stream, pictures, endpoint, None, config.seed)
    opened.callback(sender.close)
    return Workbench(sender, receiver, node, model, disk, partial(node_files.journal_commands, ring, archive))

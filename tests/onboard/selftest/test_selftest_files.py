"""The self-test fails where a file that is there is another user's, is none, or is another node's; it alters none."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from onboard import strict_yaml
from onboard.errors import InputError
from onboard.fly.config import NodeConfig
from onboard.fly.opening import parts_of
from onboard.selftest import places
from tests.onboard.fly.conftest import configured as configured
from tests.onboard.fly.conftest import small as small

Configured = Callable[..., NodeConfig]
OPENED = ["out/verdicts.jsonl", "out/events.jsonl", "out/.lock", "archive/.lock", "journal", "journal.tracks"]
REPLACED = ["out/summary.json", "out/node.yaml", "out/chosen.yaml"]
_LOST = "-dac_override,-dac_read_search,-fowner"
UNPRIVILEGED = ["setpriv", f"--bounding-set={_LOST}", f"--inh-caps={_LOST}"] if os.geteuid() == 0 else []
CHECK = """
import sys
from pathlib import Path
from onboard import strict_yaml
from onboard.fly.config import NodeConfig
from onboard.selftest import places
for path in sys.argv[1:]:
    for check in places.check(strict_yaml.load(Path(path), NodeConfig)):
        print(check.passed, check.name, check.detail)
"""
needs_setpriv = pytest.mark.skipif(
    bool(UNPRIVILEGED) and shutil.which("setpriv") is None, reason="root needs setpriv to be refused anything"
)


@pytest.fixture
def flight(configured: Configured, tmp_path: Path) -> Configured:
    """A configuration whose places lie in one folder."""

    def made(folder: Path = tmp_path, **more: object) -> NodeConfig:
        places = {"output__folder": "out", "journal__archive": "archive", "journal__ring": "journal"}
        where = {key: str(folder / name) for key, name in places.items()}
        return configured(**{**where, "output__file_mb": 1, **more})

    return made


def checked(config: NodeConfig) -> dict[str, str]:
    """What failed of places and files, by the names of the checks."""
    return {check.name: check.detail for check in places.check(config) if not check.passed}


def listed(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mode, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def flown(folder: Path) -> None:
    """What a flight leaves, as far as it has to be there."""
    for name in (*OPENED, *REPLACED):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        if name != "journal":
            (folder / name).write_text("")


@needs_setpriv
def test_files_of_another_user_fail_with_the_remedy(flight: Configured, tmp_path: Path) -> None:
    paths = []
    for n, name in enumerate([*OPENED, "well"]):
        flown(place := tmp_path / str(n))
        if name != "well":
            (place / name).touch()
            (place / name).chmod(0o444)
        (place / "node.yaml").write_text(strict_yaml.dump(flight(place)))
        paths.append(str(place / "node.yaml"))
    before = listed(tmp_path)
    command = [*UNPRIVILEGED, sys.executable, "-c", CHECK, *paths]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()
    failed = [line for line in lines if line.startswith("False")]
    for n, (name, line) in enumerate(zip(OPENED, failed, strict=True)):
        check = "journal" if name.startswith("journal") else "output"
        assert line.startswith(
            f"False {check} {tmp_path / str(n) / name}: cannot be written (Permission denied); give it"
        )
        key = {"out": "output.folder", "arc": "journal.archive", "jou": "journal.ring"}[name[:3]]
        assert line.endswith(f"to the node's user (chown), or name another place ({key})")
    assert listed(tmp_path) == before


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="gives files to another user")
def test_a_folder_where_others_files_may_not_be_replaced(flight: Configured, tmp_path: Path) -> None:
    flown(tmp_path)
    (tmp_path / "out").chmod(0o1777)
    for path in (tmp_path / "out", tmp_path / "out" / "node.yaml"):
        os.chown(path, 1234, -1)
    (path := tmp_path / "tested.yaml").write_text(strict_yaml.dump(flight()))
    for command in (["-c", CHECK, path], ["-m", "onboard", "fly", path]):
        ended = subprocess.run([*UNPRIVILEGED, sys.executable, *command], capture_output=True, text=True, timeout=60)
        assert f"{tmp_path}/out/node.yaml: cannot be written" in ended.stdout + ended.stderr
        assert "chown" in ended.stdout + ended.stderr and "(output.folder)" in ended.stdout + ended.stderr


@pytest.mark.parametrize("name", [*OPENED, *REPLACED])
@pytest.mark.parametrize(("make", "kind"), [(Path.mkdir, "a folder"), (os.mkfifo, "a named pipe")])
def test_what_is_no_file_fails(
    flight: Configured, tmp_path: Path, name: str, make: Callable[[Path], None], kind: str
) -> None:
    flown(tmp_path)
    (tmp_path / name).unlink(missing_ok=True)
    make(tmp_path / name)
    (said,) = (why for check, why in checked(flight()).items() if check != "places")
    assert f"{tmp_path / name}: is {kind}, and the node keeps a file there; remove it" in said


def test_links_fail_where_the_node_could_make_nothing_behind_them(flight: Configured, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    link = tmp_path / "out" / "verdicts.jsonl"
    link.symlink_to(tmp_path / "later.jsonl")
    assert checked(flight()) == {}
    link.unlink()
    link.symlink_to("/nowhere/verdicts.jsonl")
    assert "is a link to where nothing can be made" in checked(flight())["output"]
    link.unlink()
    link.symlink_to("/dev/null")
    assert "is a device" in checked(flight())["output"]


def test_telemetry_s_own_file_is_looked_at(flight: Configured, tmp_path: Path) -> None:
    def to(path: str) -> NodeConfig:
        return flight(telemetry={"to": {"kind": "file", "path": path}, "apid": 1})

    assert checked(to(str(tmp_path / "packets"))) == {}
    assert "telemetry.to.path /dev/null/packets: /dev/null is no folder" in checked(to("/dev/null/packets"))["output"]
    assert "is a device" in checked(to("/dev/null"))["output"]


def test_a_node_that_flies_has_its_ring_and_its_folders(flight: Configured, tmp_path: Path) -> None:
    config, other = flight(), str(tmp_path / "other")
    same_ring = flight(output__folder=other, journal__archive=None)
    same_archive = flight(output__folder=other, journal__ring=str(tmp_path / "ring"))
    with parts_of(config):
        before = listed(tmp_path)
        failed = checked(config)
        assert failed.keys() == {"journal", "output"}
        assert all(f"process {os.getpid()} has it, so a node flies; stop it" in said for said in failed.values())
        assert checked(same_ring).keys() == {"journal"}
        assert "(journal.archive)" in checked(same_archive)["output"]
        assert listed(tmp_path) == before
        with pytest.raises(InputError, match="keeps this journal"), parts_of(same_ring):
            pass
    assert checked(config) == {}
    with parts_of(config):  # nothing is held any more
        pass


def test_a_place_that_is_read_fails_before_the_node_writes_over_it(flight: Configured, tmp_path: Path) -> None:
    camera = tmp_path / "camera"
    wrong = flight(journal__ring=str(camera), source={"kind": "ring", "path": str(camera)})
    assert "source.path" in checked(wrong)["places"] and "journal.ring" in checked(wrong)["places"]
    assert "places" not in checked(flight())

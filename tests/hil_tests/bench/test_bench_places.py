"""What benches leave behind, and the bundle that a bench signs."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.bench import node_files, protections
from hil_tests.bench.config import NodeSetup
from hil_tests.bench.damage import damaged
from onboard.errors import InputError
from onboard.signing import PublicKey
from tests.onboard import small_flight


def test_what_a_killed_bench_left_is_removed_and_what_is_in_use_stays() -> None:
    with ExitStack() as first, ExitStack() as second:
        in_use = node_files.memory_folder(first)
        left = Path(tempfile.mkdtemp(prefix=node_files.PREFIX, dir=in_use.parent))
        assert node_files.memory_folder(second) != in_use
        assert not left.exists()
        assert in_use.exists()
    assert not in_use.exists()


def test_the_copy_of_a_read_only_bundle_may_be_written(tmp_path: Path) -> None:
    """Whoever runs this may be root, to whom everything may be written: the rights themselves are looked at."""
    bundle = small_flight.write_bundle(tmp_path / "bundle", (64,))
    for path in (*bundle.iterdir(), bundle):
        path.chmod(path.stat().st_mode & ~0o222)
    with ExitStack() as opened:
        copy = node_files.copied_bundle(NodeSetup(str(bundle)), tmp_path / "out", opened)
        assert [path.name for path in (copy, *copy.iterdir()) if not path.stat().st_mode & 0o200] == []
        assert {path.name: path.read_bytes() for path in copy.iterdir()} == {
            path.name: path.read_bytes() for path in bundle.iterdir()
        }
    assert not bundle.stat().st_mode & 0o200


def test_a_signed_bundle_is_no_longer_believed_when_its_hashes_are_written_anew(tmp_path: Path) -> None:
    bundle = tmp_path / "bundle"
    small_flight.write_bundle(bundle, (64, 256))
    manifest = bundle / "manifest.yaml"
    key = PublicKey.load(protections.sign(bundle, tmp_path))
    key.check(manifest, manifest.read_bytes())
    model = bundle / node_files.model_file(bundle)
    with damaged(model, 0, keep_hashes=False), pytest.raises(InputError, match="altered"):
        key.check(manifest, manifest.read_bytes())
    key.check(manifest, manifest.read_bytes())

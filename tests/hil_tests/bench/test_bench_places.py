"""What benches leave behind, and the bundle that a bench signs."""

import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from hil_tests.bench import node_files, protections
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

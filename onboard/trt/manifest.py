"""The engine's manifest: what it was built from, by what, and for which machine; and the check against all three."""

import hashlib
import shlex
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from onboard import files, strict_yaml
from onboard.bundle import Bundle
from onboard.crop_spec import Profile
from onboard.errors import InputError
from onboard.manifest import Sha256
from onboard.signing import PublicKey
from onboard.trt.gpu import Gpu
from onboard.trt.placement import Placement

ENGINE, MANIFEST, TIMING_CACHE = "model.engine", "engine.yaml", "timing.cache"


class Library(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The TensorRT that built the engine; no other version can read it."""

    name: Literal["tensorrt", "tensorrt_rtx"]
    version: str


class EngineManifest(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A TensorRT engine beside its bundle.

    Attributes:
        format: version of this layout.
        model_sha256: of the bundle's graph that the engine was built from.
        engine_sha256: of model.engine.
        gpu: on which it was built.
        library: TensorRT's name and version.
        precision: what the graph computes in: fp32, fp16 where it holds float16, int8 where it holds Q/DQ pairs.
        strongly_typed: whether TensorRT was bound to the graph's own types (always from version 10 on).
        tf32: whether float32 products may be rounded to TF32.
        profiles: window sizes in pixels (of a whole frame height and width), one optimisation profile each, in this
            order.
        workspace_mb: limit of the builder's scratch memory; None leaves it to TensorRT.
        dla_core: on which the engine was meant to run, or None.
        timing_cache_sha256: of timing.cache, or None where TensorRT gave none.
        placement: where the layers lie; None where the engine could not be read back (no GPU at build).
    """

    format: Literal[1]
    model_sha256: Sha256
    engine_sha256: Sha256
    gpu: Gpu
    library: Library
    precision: Literal["fp32", "fp16", "int8"]
    strongly_typed: bool
    tf32: bool
    profiles: tuple[Profile, ...]
    workspace_mb: Annotated[int, msgspec.Meta(ge=1)] | None
    dla_core: Annotated[int, msgspec.Meta(ge=0)] | None
    timing_cache_sha256: Sha256 | None
    placement: Placement | None

    @classmethod
    def load(cls, folder: Path, key: PublicKey | None = None) -> "EngineManifest":
        """Read the manifest in an engine's folder.

        Args:
            folder: the engine's.
            key: whose owner must have signed the manifest; None: signatures are not looked at.

        Raises:
            InputError: it is missing, not signed by the key's owner, or does not fit this schema.
        """
        path = folder / MANIFEST
        data = strict_yaml.read(path, regular=True)
        if key is not None:
            key.check(path, data)
        return cls.of(data, path)

    @classmethod
    def of(cls, data: bytes, path: Path) -> "EngineManifest":
        """A manifest from its file's bytes.

        Raises:
            InputError: they do not fit this schema.
        """
        return strict_yaml.convert(strict_yaml.parse(strict_yaml.text_of(data, path), str(path)), cls, str(path))

    def rebuild_command(self, folder: Path, bundle: Bundle) -> str:
        """The command line that makes this engine anew, for a shell."""
        words = ["python", "-m", "onboard", "build", str(bundle.folder)]
        if (
            self.model_sha256 == bundle.manifest.files[bundle.manifest.model]
        ):  # another graph has a precision of its own
            words += ["--precision", self.precision]
        if self.workspace_mb is not None:
            words += ["--workspace-mb", str(self.workspace_mb)]
        if self.dla_core is not None:
            words += ["--dla", str(self.dla_core)]
        return shlex.join([*words, "--out", str(folder), "--runtime", self.library.name])


def read(folder: Path, bundle: Bundle, library: Library, gpu: Gpu) -> tuple[EngineManifest, bytes]:
    """An engine that may run: of this bundle, on this GPU, under this TensorRT.

    Args:
        folder: the engine's.
        bundle: checked.
        library: that would run it.
        gpu: on which it would run.

    Returns:
        Its manifest, and the very bytes of the engine that were hashed: TensorRT does not check what it deserialises.

    Raises:
        InputError: the engine is another's; the message holds the command that rebuilds it. Or the bundle was checked
            with a key, and the engine's manifest is not signed by its owner.
    """
    manifest = EngineManifest.load(folder, bundle.key)
    path = folder / ENGINE
    anew = f"build it again: {manifest.rebuild_command(folder, bundle)}"
    model = bundle.manifest.files[bundle.manifest.model]
    if manifest.model_sha256 != model:
        raise InputError(
            f"{path}: built from a graph with SHA-256 {manifest.model_sha256}, "
            f"but the bundle's {bundle.manifest.model} has {model}; {anew}"
        )
    if manifest.profiles != bundle.manifest.crop.profiles:
        raise InputError(
            f"{path}: built for windows {list(manifest.profiles)}, "
            f"but the bundle cuts {list(bundle.manifest.crop.profiles)}; {anew}"
        )
    if manifest.library != library:
        raise InputError(
            f"{path}: built by {manifest.library.name} {manifest.library.version}, "
            f"but here is {library.name} {library.version}; {anew}"
        )
    if manifest.gpu != gpu:
        raise InputError(f"{path}: built with {manifest.gpu}, but here is {gpu}; {anew}")
    return manifest, check_hash(path, manifest, anew)


def check_hash(path: Path, manifest: EngineManifest, remedy: str) -> bytes:
    """The bytes of an engine's file, which are those that its manifest names.

    Raises:
        InputError: they are not, or cannot be read; the message ends with `remedy`.
    """
    try:
        with files.open_regular(path) as file:
            data = file.read()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); {remedy}") from error
    if (found := hashlib.sha256(data).hexdigest()) != manifest.engine_sha256:
        raise InputError(
            f"{path}: its SHA-256 is {found}, but {MANIFEST} says {manifest.engine_sha256}; it was altered: {remedy}"
        )
    return data

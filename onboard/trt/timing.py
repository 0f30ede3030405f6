"""The timing cache: what the builder measured last time, beside the engine. It saves minutes and decides nothing."""

from pathlib import Path
from typing import Any

from onboard import files
from onboard.errors import InputError
from onboard.trt.manifest import MANIFEST, TIMING_CACHE, EngineManifest


def attach(config: Any, folder: Path) -> None:
    """Give the builder the folder's cache, or an empty one where there is none that can be used."""
    cache = config.create_timing_cache(_earlier(folder))
    if cache is not None and config.set_timing_cache(cache, False):
        return
    print(f"  warning: {folder / TIMING_CACHE} is of no use to this TensorRT; built without it", flush=True)
    cache = config.create_timing_cache(b"")
    if cache is not None:
        config.set_timing_cache(cache, False)


def write(config: Any, folder: Path) -> str | None:
    """Write the builder's cache; gives its SHA-256, or None where TensorRT gave none."""
    path = folder / TIMING_CACHE
    cache = config.get_timing_cache()
    if cache is None:
        path.unlink(missing_ok=True)
        return None
    files.write_bytes(path, bytes(cache.serialize()))
    return files.sha256(path)


def _earlier(folder: Path) -> bytes:
    path = folder / TIMING_CACHE
    if not path.is_file():
        return b""
    try:
        wanted = EngineManifest.load(folder).timing_cache_sha256
    except InputError:
        wanted = None
    if files.sha256(path) == wanted:
        return path.read_bytes()
    print(f"  warning: {path} is not what {MANIFEST} says; it is dropped, and timings are measured anew", flush=True)
    return b""

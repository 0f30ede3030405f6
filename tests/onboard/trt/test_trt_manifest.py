"""An engine runs only where its manifest says, and a refusal holds the command that builds it anew."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onboard import bundle as bundles
from onboard import strict_yaml
from onboard.errors import InputError
from onboard.trt import library, placement
from onboard.trt.gpu import Gpu
from onboard.trt.manifest import ENGINE, MANIFEST, EngineManifest, Library, read

ORIN, TEN = Gpu("Orin", "8.7"), Library("tensorrt", "10.3.0")


@pytest.fixture
def engine(small_bundle: Callable[..., Path]) -> tuple[Path, bundles.Bundle]:
    """An engine's folder with a manifest that fits its bundle, an Orin and TensorRT 10.3; the engine is no real one."""
    bundle = bundles.read(small_bundle())
    folder = bundle.folder / "engines" / "orin one"
    folder.mkdir(parents=True)
    (folder / ENGINE).write_bytes(b"engine")
    manifest = EngineManifest(
        format=1,
        model_sha256=bundle.manifest.files["model.onnx"],
        engine_sha256=hashlib.sha256(b"engine").hexdigest(),
        gpu=ORIN,
        library=TEN,
        precision="fp16",
        strongly_typed=True,
        tf32=False,
        profiles=(256, 512),
        workspace_mb=512,
        dla_core=None,
        timing_cache_sha256=None,
        placement=None,
    )
    (folder / MANIFEST).write_text(strict_yaml.dump(manifest))
    return folder, bundle


def change(folder: Path, **changes: Any) -> None:
    changed = msgspec.structs.replace(EngineManifest.load(folder), **changes)
    (folder / MANIFEST).write_text(strict_yaml.dump(changed))


def test_an_engine_that_fits_is_taken(engine: tuple[Path, bundles.Bundle]) -> None:
    folder, bundle = engine
    assert read(folder, bundle, TEN, ORIN) == (EngineManifest.load(folder), b"engine")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_sha256": "0" * 64}, "built from a graph with SHA-256 0000"),
        ({"profiles": (256,)}, "built for windows [256], but the bundle cuts [256, 512]"),
        ({"library": Library("tensorrt", "8.6.2")}, "built by tensorrt 8.6.2, but here is tensorrt 10.3.0"),
        ({"library": Library("tensorrt_rtx", "10.3.0")}, "built by tensorrt_rtx 10.3.0"),
        ({"gpu": Gpu("Xavier", "7.2")}, "built with Xavier (compute capability 7.2), but here is Orin"),
        ({"gpu": Gpu()}, "built with no GPU, but here is Orin"),
        ({"engine_sha256": "0" * 64}, "it was altered"),
    ],
)
def test_an_engine_of_another_place_is_refused(
    engine: tuple[Path, bundles.Bundle], changes: dict[str, Any], said: str
) -> None:
    folder, bundle = engine
    change(folder, **changes)
    with pytest.raises(InputError) as error:
        read(folder, bundle, TEN, ORIN)
    message = str(error.value)
    assert message.startswith(f"{folder / ENGINE}: ") and said in message
    name = changes["library"].name if "library" in changes else "tensorrt"
    precision = "" if "model_sha256" in changes else "--precision fp16 "  # another graph has its own
    command = f"{precision}--workspace-mb 512 --out '{folder}' --runtime {name}"
    assert message.endswith(f"build it again: python -m onboard build {bundle.folder} {command}")


def test_a_manifest_that_is_spoilt_or_absent_is_named(engine: tuple[Path, bundles.Bundle]) -> None:
    folder, bundle = engine
    (folder / MANIFEST).write_text((folder / MANIFEST).read_text().replace("tf32: false", "tf32: perhaps"))
    with pytest.raises(InputError, match=r"engine.yaml: tf32: 'perhaps' is not allowed"):
        read(folder, bundle, TEN, ORIN)
    (folder / MANIFEST).unlink()
    with pytest.raises(InputError, match=r"engine.yaml: the file cannot be read"):
        read(folder, bundle, TEN, ORIN)


def test_layers_that_fell_back_from_the_dla_are_listed() -> None:
    layers = [
        {"Name": "{ForeignNode[/conv1...]}", "LayerType": "DLA"},
        {"Name": "reformat 1", "LayerType": "Reformat"},
        {"Name": "/crop/MatMul", "LayerType": "gemm"},
    ]
    text = json.dumps({"Layers": layers, "Bindings": []})
    found = placement.summarise(text, on_dla=True)
    assert (found.gpu_layers, found.dla_layers, found.dla_fallbacks) == (2, 1, ("/crop/MatMul",))
    assert placement.summarise(text, on_dla=False).dla_fallbacks == ()
    assert placement.summarise('{"Layers": ["a", "b"]}', on_dla=False).gpu_layers == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('raise ImportError("libnvdla_compiler.so: cannot open shared object file")', "libnvdla_compiler.so"),
        ("import no_such_bindings", "no_such_bindings"),
    ],
)
def test_a_tensorrt_that_cannot_be_loaded_is_not_called_absent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: str, said: str
) -> None:
    (tmp_path / "tensorrt.py").write_text(body)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(InputError) as error:
        library.load()
    message = str(error.value)
    assert "tensorrt: installed, but it cannot be loaded" in message and said in message and "JetPack" in message


def test_an_absent_tensorrt_is_named_with_the_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.path", [])
    monkeypatch.delitem(__import__("sys").modules, "tensorrt_rtx", raising=False)
    with pytest.raises(InputError, match=r"tensorrt and tensorrt_rtx: not installed .*--system-site-packages"):
        library.load()

"""Every TensorRT attribute that onboard/trt touches exists: always in all versions, or asked for and in some."""

import ast
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[3] / "onboard" / "trt"

# The names that onboard/trt gives to TensorRT's objects, and the API files' names of their kinds.
KINDS = {
    "trt": "top", "builder": "bld", "config": "cfg", "network": "net", "parser": "parser", "engine": "eng",
    "context": "ctx", "runtime": "rt", "layer": "lay", "tensor": "tensor",
    "trt.BuilderFlag": "BuilderFlag", "trt.NetworkDefinitionCreationFlag": "NDCF", "trt.DataType": "DataType",
    "trt.MemoryPoolType": "MemoryPoolType", "trt.ProfilingVerbosity": "ProfilingVerbosity",
    "trt.DeviceType": "DeviceType",
}  # fmt: skip
# Kinds whose members the API files do not list: these are checked against TensorRT for RTX, if it is installed.
CLASSES = {
    "profile": "IOptimizationProfile", "inspector": "EngineInspector", "cache": "ITimingCache",
    "blob": "IHostMemory", "parse_error": "ParserError", "trt.LayerType": "LayerType",
    "trt.TensorIOMode": "TensorIOMode",
    "trt.LayerInformationFormat": "LayerInformationFormat", "trt.ILogger": "ILogger",
    "trt.ILogger.Severity": "ILogger.Severity", "trt.IProgressMonitor": "IProgressMonitor",
}  # fmt: skip


@dataclass(frozen=True, order=True)
class Touched:
    """An attribute that the code reads or sets; `asked` where the same function asks for it by hasattr or getattr."""

    kind: str
    name: str
    asked: bool
    where: str


def touched(source: str, name: str) -> Iterator[Touched]:
    """Walk a file's functions; nested ones belong to the function around them."""
    for function in ast.parse(source).body:
        asked = set(_asked(function))
        for owner, attribute in asked:
            yield Touched(owner, attribute, True, f"{name}:{function.lineno}")
        for node in ast.walk(function):
            if isinstance(node, ast.Attribute) and (owner := _owner(node.value)) in KINDS | CLASSES:
                yield Touched(owner, node.attr, (owner, node.attr) in asked, f"{name}:{node.lineno}")


def _owner(node: ast.expr) -> str:
    return ast.unparse(node).removeprefix("self._")  # an object may keep one of TensorRT's


def _asked(function: ast.AST) -> Iterator[tuple[str, str]]:
    loops = {
        node.target.id: [e.value for e in ast.walk(node.iter) if isinstance(e, ast.Constant) and e.value != "fp16"]
        for node in ast.walk(function)
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("hasattr", "getattr"):
            owner, name = ast.unparse(node.args[0]), node.args[1]
            if owner not in KINDS | CLASSES:
                continue
            names = [name.value] if isinstance(name, ast.Constant) else loops[ast.unparse(name)]
            yield from ((owner, str(each)) for each in names)


def code() -> set[Touched]:
    found = {item for path in sorted(PACKAGE.glob("*.py")) for item in touched(path.read_text(), path.name)}
    return {item for item in found if not item.name.startswith("__")}


@pytest.fixture(scope="module")
def versions(shared_folder: Path) -> dict[str, dict[str, Any]]:
    files = sorted((shared_folder / "tensorrt").glob("api_*.json"))
    if not files:
        pytest.skip("TensorRT's API files are not here (set DEBRIS_SHARED to the folder beside the repository)")
    return {path.stem: json.loads(path.read_text()) for path in files}


def wrong(items: set[Touched], versions: dict[str, dict[str, Any]]) -> list[str]:
    faults = []
    for item in sorted(items):
        if item.kind not in KINDS:
            continue
        lacking = [version for version, api in versions.items() if item.name not in api[KINDS[item.kind]]]
        if len(lacking) == len(versions) or (lacking and not item.asked):
            faults.append(f"{item.where}: {item.kind}.{item.name} is absent from {', '.join(lacking)}")
    return faults


def test_what_the_code_touches_exists_in_every_version(versions: dict[str, dict[str, Any]]) -> None:
    assert len(versions) >= 9
    items = code()
    kinds = {item.kind for item in items}
    assert set(KINDS) >= kinds - set(CLASSES) >= {name for name in KINDS if "." not in name}
    assert ("trt.BuilderFlag", "FP16") in {(item.kind, item.name) for item in items if item.asked}
    assert wrong(items, versions) == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(config): config.max_workspace_size = 1", "config.max_workspace_size is absent from"),
        ("def f(trt, config): config.set_flag(trt.BuilderFlag.FP16)", "trt.BuilderFlag.FP16 is absent from"),
        ("def f(parser): return hasattr(parser, 'pars')", "parser.pars is absent from"),
        ("def f(self): self._context.execute_async_v2([])", "context.execute_async_v2 is absent from api_10.0.1"),
        ("def g(trt): hasattr(trt.BuilderFlag, 'INT8')\ndef f(trt): trt.BuilderFlag.INT8", "f.py:2: trt.BuilderFlag."),
    ],
)
def test_the_walk_finds_what_some_version_lacks(versions: dict[str, dict[str, Any]], source: str, said: str) -> None:
    (fault,) = wrong(set(touched(source, "f.py")), versions)
    assert said in fault


def test_kinds_that_the_api_files_do_not_list_are_those_of_tensorrt_for_rtx() -> None:
    trt = pytest.importorskip("tensorrt_rtx", reason="the builder is not on this platform")
    items = {item for item in code() if item.kind in CLASSES}
    assert {"profile", "inspector", "cache", "parse_error"} <= {item.kind for item in items}
    for item in items:
        kind: Any = trt
        for part in CLASSES[item.kind].split("."):
            kind = getattr(kind, part)
        assert hasattr(kind, item.name), f"{item.where}: {item.kind}.{item.name}"


def test_the_code_keeps_to_named_tensors_and_asks_no_version() -> None:
    text = "\n".join(path.read_text() for path in PACKAGE.glob("*.py"))
    assert "binding" not in text and "parse_from_file" in text
    compared = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Compare)]
    assert not [node for node in compared if "__version__" in ast.unparse(node)]

"""The JSON files that trtexec exports: times of every query, and times of every layer."""

import json
from pathlib import Path
from typing import Any

from onboard.errors import InputError

_PERCENTILES = (50.0, 90.0, 95.0, 99.0, 99.9)


def read_values(path: Path) -> list[Any]:
    """Every JSON value of a file in which several may stand one after the other.

    Raises:
        InputError: unreadable, or no whole value in it.
    """
    try:
        text = path.read_text(encoding="utf-8-sig").lstrip()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as JSON ({error}); export it again with trtexec") from error
    values: list[Any] = []
    while text:
        try:
            value, end = json.JSONDecoder().raw_decode(text)
        except ValueError as error:
            if values:
                return values  # a later run was cut short
            raise InputError(f"{path}: not whole JSON ({error}); export it again with trtexec") from error
        values.append(value)
        text = text[end:].lstrip()
    if not values:
        raise InputError(f"{path}: the file is empty; export it again with trtexec")
    return values


def percentile(values: list[float], percent: float) -> float:
    """The percentile as trtexec counts it."""
    ordered = sorted(values)
    return ordered[max(len(ordered) - 1 - int((1 - percent / 100) * len(ordered)), 0)]


def times(path: Path) -> dict[str, float | int]:
    """Count and percentiles of `latencyMs` in the file's last run, in ms.

    Raises:
        InputError: no such file, or no times in it.
    """
    arrays = read_values(path)
    rows = arrays[-1]
    try:
        values = [float(row["latencyMs"]) for row in rows]
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: rows with 'latencyMs' are needed; make it with trtexec --exportTimes") from error
    if not values:
        raise InputError(f"{path}: the last run has no rows; run trtexec again")
    return {"runs": len(arrays), "count": len(values)} | {f"p{p:g}": percentile(values, p) for p in _PERCENTILES}


def profile(path: Path) -> dict[str, float]:
    """Average milliseconds by layer in the file's last run.

    Raises:
        InputError: no such file, or no layers in it.
    """
    layers: dict[str, float] = {}
    try:
        for row in read_values(path)[-1]:
            if "name" in row:
                layers[row["name"]] = layers.get(row["name"], 0.0) + float(row["averageMs"])
    except (TypeError, KeyError, ValueError) as error:
        raise InputError(f"{path}: rows with 'name' and 'averageMs' are needed; use trtexec --exportProfile") from error
    return layers


def layer_origins(path: Path) -> dict[str, str]:
    """Each engine layer's name and the ONNX nodes that its metadata names, as one text by layer name.

    Raises:
        InputError: no such file, or not an engine inspector's.
    """
    value = read_values(path)[-1]
    if not isinstance(value, dict) or not isinstance(value.get("Layers"), list):
        raise InputError(f"{path}: 'Layers' is missing; make it with trtexec --exportLayerInfo")
    rows = [row for row in value["Layers"] if isinstance(row, dict) and "Name" in row]
    return {row["Name"]: f"{row['Name']} {row.get('Metadata', '')}" for row in rows}


def head_share(layers: dict[str, float], origins: dict[str, str], prefix: str) -> dict[str, Any]:
    """The layers whose name or ONNX origin carries the prefix, in ms and as a share of all layers.

    `ms` and `percent` are None where no layer does: a share that cannot be told is not 0.
    """
    head = {name: ms for name, ms in layers.items() if prefix in name or prefix in origins.get(name, "")}
    total = sum(layers.values())
    ms = sum(head.values()) if head else None
    percent = 100 * ms / total if ms is not None and total else None
    return {"layers": head, "ms": ms, "percent": percent, "all_layers_ms": total}

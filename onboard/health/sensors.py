"""Temperatures, power and clocks from the kernel's own files; what a machine does not have is left out."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

Rail = tuple[Path, Path]
_MOST = 64  # of a kind


def read(root: Path) -> dict[str, dict[str, float]]:
    """All that there is.

    Args:
        root: /sys, or a folder laid out like it.

    Returns:
        `temperature_c`, `power_w` and `clock_mhz`, each by the kernel's names, sorted; of two with one name the second
        is called `name.2`. A kind of which there is nothing is left out. Values that cannot be read, as those of parts
        that are switched off, are left out too.
    """
    found = {
        "temperature_c": _named([*_zones(root), *_chips(root)]),
        "power_w": _named([*_rails_w(root), *_meters_w(root)]),
        "clock_mhz": _named([*_devices_mhz(root), *_cores_mhz(root)]),
    }
    return {kind: values for kind, values in found.items() if values}


def rails(hwmon: Path) -> Iterator[tuple[str, Rail]]:
    """Rails that a Jetson's INA3221 measures: name, and the files of their voltage (mV) and current (mA).

    Args:
        hwmon: the folder of hardware monitors, /sys/class/hwmon.
    """
    for label in sorted(hwmon.glob("hwmon*/in*_label")):
        number = label.name.removeprefix("in").removesuffix("_label")
        volts, amperes = label.with_name(f"in{number}_input"), label.with_name(f"curr{number}_input")
        if volts.is_file() and amperes.is_file():
            yield _text(label) or label.name, (volts, amperes)


def watts(rail: Rail) -> float:
    """A rail's power; raises OSError or ValueError where it cannot be read."""
    volts, amperes = rail
    return int(volts.read_text()) * int(amperes.read_text()) / 1e6


def _zones(root: Path) -> Iterator[tuple[str, float]]:
    for zone in _sorted(root.glob("class/thermal/thermal_zone*")):
        yield from _value(_text(zone / "type") or zone.name, zone / "temp", 1e3)


def _chips(root: Path) -> Iterator[tuple[str, float]]:
    for file in _sorted(root.glob("class/hwmon/hwmon*/temp*_input")):
        chip = _text(file.parent / "name") or file.parent.name
        label = _text(file.with_name(file.name.replace("_input", "_label"))) or file.name.removesuffix("_input")
        yield from _value(f"{chip} {label}", file, 1e3)


def _rails_w(root: Path) -> Iterator[tuple[str, float]]:
    for name, rail in rails(root / "class" / "hwmon"):
        try:
            yield name, watts(rail)
        except (OSError, ValueError):
            continue


def _meters_w(root: Path) -> Iterator[tuple[str, float]]:
    for file in _sorted(root.glob("class/hwmon/hwmon*/power*_input")):
        chip = _text(file.parent / "name") or file.parent.name
        label = _text(file.with_name(file.name.replace("_input", "_label"))) or file.name.removesuffix("_input")
        yield from _value(f"{chip} {label}", file, 1e6)


def _devices_mhz(root: Path) -> Iterator[tuple[str, float]]:
    for device in _sorted(root.glob("class/devfreq/*")):
        yield from _value(device.name, device / "cur_freq", 1e6)


def _cores_mhz(root: Path) -> Iterator[tuple[str, float]]:
    for file in _sorted(root.glob("devices/system/cpu/cpu[0-9]*/cpufreq/scaling_cur_freq")):
        yield from _value(file.parent.parent.name, file, 1e3)


def _value(name: str, file: Path, divisor: float) -> Iterator[tuple[str, float]]:
    try:
        yield name, int(file.read_text()) / divisor
    except (OSError, ValueError):
        return


def _named(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    found: dict[str, float] = {}
    for name, value in values:
        number = 1
        while (key := name if number == 1 else f"{name}.{number}") in found:
            number += 1
        found[key] = value
    return dict(sorted(found.items())[:_MOST])


def _text(file: Path) -> str | None:
    try:
        return file.read_text(errors="replace").strip() or None
    except OSError:
        return None


def _sorted(paths: Iterable[Path]) -> list[Path]:
    """By number where names end in one: cpu2 before cpu10."""

    def key(path: Path) -> Any:
        return [(len(part), part) for part in path.parts]

    return sorted(paths, key=key)

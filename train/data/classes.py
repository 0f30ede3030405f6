"""The class tables of the SPARK editions, and class names compared without regard to case."""

import difflib
from collections.abc import Collection, Iterable

from onboard.errors import InputError

KNOWN: dict[str, tuple[str, ...]] = {
    # SPARK 2021 numbers its classes from 0 in the ASCII order of their names, which this is.
    "spark2021": (
        "AcrimSat",
        "Aquarius",
        "Aura",
        "Calipso",
        "Cloudsat",
        "CubeSat",
        "Debris",
        "Jason",
        "Sentinel-6",
        "TRMM",
        "Terra",
    ),
    "spark2022": (
        "proba_2",
        "cheops",
        "debris",
        "double_start",
        "earth_observation_sat_1",
        "lisa_pathfinder",
        "proba_3_csc",
        "proba_3_ocs",
        "smart_1",
        "soho",
        "xmm_newton",
    ),
}
"""The class names of the layouts whose table is fixed."""

NUMBERED = frozenset({"spark2021"})
"""The layouts whose label files may give a class by its number in `KNOWN`."""


class Names:
    """Gives each class its canonical name, and knows which names cannot be classes of this data set."""

    def __init__(self, layout: str, found: Iterable[str], anomaly_classes: Collection[str] = ()) -> None:
        """`found` are all class cells of the data set; they show whether it uses the layout's own table.

        The names that the configuration calls anomalous are classes too, whatever the table says.

        A synthetic set in a SPARK layout has classes of its own. So the table is law only where most of the
        set's names stand in it.
        """
        table = KNOWN.get(layout, ())
        self._by_number = table if layout in NUMBERED else ()
        self._spelling = {name.casefold(): name for name in table}
        names = {cell.casefold() for cell in found if cell and not self._is_number(cell)}
        known = sum(name in self._spelling for name in names)
        self._table_is_law = bool(table) and 2 * known > len(names)
        for anomaly in anomaly_classes:
            self._spelling.setdefault(anomaly.strip().casefold(), anomaly.strip())

    def canonical(self, cell: str) -> str:
        """The class that a cell of the label file means.

        Raises:
            InputError: the cell is no class of this data set.
        """
        if self._is_number(cell):
            if int(cell) >= len(self._by_number):
                raise InputError(f"class number {cell} is not in 0 to {len(self._by_number) - 1}")
            return self._by_number[int(cell)]
        name = self._spelling.get(cell.casefold())
        if name is None and self._table_is_law:
            raise InputError(
                f"class {cell!r} is none of this layout's: {', '.join(self._spelling.values())}; where it is debris, "
                f"name it with data.anomaly_classes: [{cell}] (on a command line --anomaly-classes {cell})"
            )
        return name or cell

    def _is_number(self, cell: str) -> bool:
        return bool(self._by_number) and cell.isascii() and cell.isdigit()


def is_anomaly(name: str, anomaly_classes: Collection[str]) -> bool:
    return name.casefold() in {anomaly.strip().casefold() for anomaly in anomaly_classes}


def absent(anomaly_classes: Collection[str], present: Collection[str]) -> list[str]:
    """What to say of anomaly classes that the data set does not have.

    A misspelt name would make debris normal without a word.
    """
    there = {name.casefold(): name for name in present}
    classes = ", ".join(sorted(present))
    said = []
    for anomaly in anomaly_classes:
        if anomaly.strip().casefold() not in there:
            near = difflib.get_close_matches(anomaly.strip().casefold(), list(there), 1)
            hint = f"; did you mean '{there[near[0]]}'?" if near else "."
            said.append(f"anomaly_classes: no image is of class '{anomaly}'{hint} Classes: {classes}")
    return said

"""The board's power, from the kernel's own sensors (the INA3221 of a Jetson). Without one there is no figure."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

from onboard.health import sensors as board

SENSORS = Path("/sys/class/hwmon")
# The rail that the whole module is fed by, as JetPack names it on Orin, Xavier and Nano.
_WHOLE = ("VDD_IN", "VIN_SYS_5V0", "VIN", "POM_5V_IN", "GPU_SOC_IN")
_EVERY_S = 0.05


def while_running(run: Callable[[], object], seconds: float, sensors: Path = SENSORS) -> float | None:
    """Watts on average while something runs over and over; None where the board does not report them.

    Args:
        run: what is run.
        seconds: for how long.
        sensors: the folder of the kernel's sensors.
    """
    rail = _rail(sensors)
    if rail is None:
        return None
    watts: list[float] = []
    stop = threading.Event()

    def watch() -> None:
        while not stop.is_set():
            watts.append(board.watts(rail))
            stop.wait(_EVERY_S)

    watcher = threading.Thread(target=watch)
    end = time.monotonic() + seconds
    watcher.start()
    try:
        while time.monotonic() < end:
            run()
    finally:
        stop.set()
        watcher.join()
    return mean(watts) if watts else None


def _rail(sensors: Path) -> board.Rail | None:
    """Files of the voltage (mV) and the current (mA) of the module's feed."""
    return next((rail for name, rail in board.rails(sensors) if name in _WHOLE), None)

"""The line that stands with every figure: machine and date."""

import datetime
import os
import platform
from pathlib import Path


def describe() -> str:
    """Processor, cores, system, Python and the date."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, {datetime.date.today()}"

"""What TensorRT says an engine takes on the device."""

from typing import Any


def of_context(engine: Any) -> int | None:
    """Bytes of an execution context's activations; None where this TensorRT does not tell. Weights come on top."""
    if hasattr(engine, "device_memory_size_v2"):
        return int(engine.device_memory_size_v2)
    if hasattr(engine, "device_memory_size"):
        return int(engine.device_memory_size)
    return None

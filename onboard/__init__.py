"""What flies: frames in, verdicts out. Imports neither torch nor anything else from the ground."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onboard.detector import Detector
    from onboard.errors import InputError
    from onboard.messages import Answer, Status

__all__ = ["Answer", "Detector", "InputError", "Status"]


def __getattr__(name: str) -> Any:
    """Imported when they are asked for: a camera process that needs `onboard.wire` alone has no ONNX Runtime."""
    homes = {"Answer": "messages", "Detector": "detector", "InputError": "errors", "Status": "messages"}
    if name not in homes:
        raise AttributeError(f"module 'onboard' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"onboard.{homes[name]}"), name)

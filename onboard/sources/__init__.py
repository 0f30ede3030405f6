"""Where frames come from: one protocol, six kinds (docs/sources.md)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onboard.sources.config import SourceConfig
    from onboard.sources.opening import open_source
    from onboard.sources.source import Settled, Source, SourceFrame, Taken

__all__ = ["Settled", "Source", "SourceConfig", "SourceFrame", "Taken", "open_source"]


def __getattr__(name: str) -> Any:
    """Imported when they are asked for: a camera process that writes a ring has no OpenCV."""
    homes = dict.fromkeys(("Settled", "Source", "SourceFrame", "Taken"), "source")
    homes |= {"SourceConfig": "config", "open_source": "opening"}
    if name not in homes:
        raise AttributeError(f"module 'onboard.sources' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(f"onboard.sources.{homes[name]}"), name)

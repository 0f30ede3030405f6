"""Where frames come from: one protocol, six kinds (docs/sources.md)."""

from onboard.sources.config import SourceConfig
from onboard.sources.opening import open_source
from onboard.sources.source import Settled, Source, SourceFrame, Taken

__all__ = ["Settled", "Source", "SourceConfig", "SourceFrame", "Taken", "open_source"]

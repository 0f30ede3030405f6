"""Whether a bundle, a machine and a configuration go together, before the node flies."""

from onboard.selftest.check import Check, run, text

__all__ = ["Check", "run", "text"]

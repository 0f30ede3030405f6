"""Commands that make the figures in README and docs. Slow, so not tests."""

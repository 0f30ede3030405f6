"""The bench: streams frames at a node, breaks things on purpose, and judges by a ledger and limits (docs/bench.md)."""

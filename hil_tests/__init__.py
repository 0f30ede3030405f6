"""Bench: streams frames at a node, injects faults, keeps the ledger, judges latency."""

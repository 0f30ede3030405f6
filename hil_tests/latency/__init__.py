"""Latency on the board: engine alone, node, end to end; warm, cold, under load; beside trtexec (docs/latency.md)."""

"""CCSDS space packets with PUS services, from the node to the spacecraft's bus or a file (docs/telemetry.md)."""

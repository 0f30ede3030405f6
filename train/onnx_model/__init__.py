"""Somebody else's ONNX file: read, looked through, and cut."""

"""What the debris head adds to a pose network's time, measured in ONNX Runtime on one thread."""

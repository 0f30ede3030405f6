"""One-class heads on frozen features: PLUME's honest rivals, and the one that flies. All export to plain ONNX ops."""

"""The old pose network against the fused bundle, on the user's frames: the evidence to requalify."""

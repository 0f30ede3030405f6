"""Frozen backbones: a pooled feature vector, and the stages' maps by name."""

"""The flight graph as data: reading it, measuring its tensors, changing it, running it."""

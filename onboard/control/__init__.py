"""Commands to a node in flight, over a small socket; each is answered."""

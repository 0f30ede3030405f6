"""A flight graph in float16: which nodes take it, the conversion, and the check of what it changes."""

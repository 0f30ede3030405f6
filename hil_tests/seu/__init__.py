"""Bit flips in a bundle's weights and files: what they change, and what notices them."""

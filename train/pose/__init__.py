"""A small reference pose network: an example of what the debris head rides on, not a product."""

"""The flight loop: a source in, exactly one recorded verdict a frame out (docs/node.md)."""

"""Range clamps: what a flipped bit makes of an activation stays within what normal frames showed, and a margin."""

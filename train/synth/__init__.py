"""A synthetic stand-in for SPARK: satellites and debris rendered off-screen, without a display or a GPU."""

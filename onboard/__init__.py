"""What flies: frames in, verdicts out. Imports neither torch nor anything else from the ground."""

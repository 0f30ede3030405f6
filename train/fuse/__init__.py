"""One engine: a fitted head merged into the pose network whose features it was fitted on."""

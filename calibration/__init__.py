"""Ground: alarm thresholds, INT8 scales and activation bounds, from a bundle and normal data."""

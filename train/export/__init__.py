"""From a fitted run to a flight bundle."""

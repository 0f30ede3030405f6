"""The benchmark: every method on every protocol, chosen without labels, judged once, in one table."""

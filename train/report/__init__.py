"""One HTML page about runs and benchmarks, to be read, printed and sent: it needs no network and no scripts."""

"""One HTML page about a bundle's calibration, to be read, printed and sent: it needs no network and no scripts."""

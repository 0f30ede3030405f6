"""Data sets: the SPARK editions and CIFAR, checked, and split once into fit, calibration and test."""

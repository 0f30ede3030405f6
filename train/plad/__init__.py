"""PLAD on images (Cai and Fan, NeurIPS 2022), the baseline of the PLUME paper. For benchmarks; it does not fly."""

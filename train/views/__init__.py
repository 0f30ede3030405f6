"""Views: what may be done to a frame and its box before the crop, for augmentation, protocols and robustness."""

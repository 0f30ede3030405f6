"""The training step against the same step with the N x D x D perturbation matrices written out."""

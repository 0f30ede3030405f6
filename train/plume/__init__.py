"""PLUME: one-class detection with learned pseudo-anomalies in feature space (Hermary et al., WACV 2025)."""

"""Ground: data sets, backbones, one-class heads, evaluation, and the flight graph's export."""

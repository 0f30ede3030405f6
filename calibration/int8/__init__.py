"""Post-training quantisation to explicit Q/DQ, as TensorRT takes it, held to the alarm decisions of normal frames."""

"""How sessions of ONNX Runtime are set up, in flight and on the ground, so that both compute the same."""

import onnxruntime

INT8_SUMS = "exact"
"""Below, since 2026-11-29; stands in the keys of what is kept of a graph's outputs."""


def session_options(threads: int = 1) -> onnxruntime.SessionOptions:
    """One call at a time, on so many threads; 0 takes all cores.

    Int8 products are summed exactly also on x86 processors without VNNI. There ONNX Runtime's default, unsigned by
    signed, adds two products in 16 bits that saturate, and gives other logits than every other machine; it is told to
    take unsigned by unsigned, which is slower and exact. Where there is VNNI, and for float graphs, nothing changes.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.x64quantprecision", "1")
    return options

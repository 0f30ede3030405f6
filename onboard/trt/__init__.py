"""TensorRT on this machine: an engine built from a bundle, the manifest that ties it to its place, and its flight.

Convention, which tests/onboard/trt/test_trt_attributes.py relies on: a variable named `trt`, `builder`, `config`,
`network`, `parser`, `engine`, `context`, `runtime`, `layer`, `tensor`, `profile`, `inspector`, `cache`, `blob` or
`parse_error` holds TensorRT's object of that kind and nothing else. What only some versions have is asked for by
`hasattr` or `getattr` in the same function, never by a version string.
"""

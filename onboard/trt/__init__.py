"""TensorRT on this machine: an engine built from a flight bundle, and the manifest that ties it to where it runs.

Convention, which tests/onboard/trt/test_trt_attributes.py relies on: a variable named `trt`, `builder`, `config`,
`network`, `parser`, `engine`, `runtime`, `layer`, `tensor`, `profile`, `inspector`, `cache`, `blob` or `parse_error`
holds TensorRT's object of that kind and nothing else. What only some versions have is asked for by `hasattr` or
`getattr` in the same function, never by a version string.
"""

"""Which bit of which weight is turned in the memory of a node: drawn by a seed, and tried on known answers before."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
from onnx import GraphProto, helper, numpy_helper

from hil_tests.bench.process_memory import Turn
from hil_tests.seu.judge import LOGIT, LOGIT_LIMIT
from hil_tests.seu.suffix import session
from hil_tests.seu.words import flipped
from onboard import bundle as bundles
from onboard import image
from onboard.errors import InputError

_LEAST = 8  # numbers of a tensor; fewer bytes are found elsewhere by chance
_IN_FRONT = 16  # bytes, by which the model's file in memory is told from the engine's own copy
_TRIES = 400
_CLEAR = 1e-4  # share of a logit; far above what rounds otherwise in the engine that flies
_QUIET = tuple((bit, 1) for bit in range(23, 27))
_HUGE = ((30, 1), (29, 2))
_HUGE_FINITE = ((28, 3),)  # about 2 ** 15: a logit that only a limit finds to be nonsense


class Rehearsal:
    """Tries turns in an engine of the bench's own, whose graph has the weights as inputs.

    A flip that no known answer shows would test nothing. Only weights are taken that ONNX Runtime computes with as they
    are stored: vectors that are added or multiplied, and biases. Matrices and kernels it packs anew.

    Args:
        folder: the bundle.

    Raises:
        InputError: the bundle cannot be read, or has no such weight.
    """

    def __init__(self, folder: Path) -> None:
        bundle = bundles.read(folder)
        self._file, self._name = bundle.contents[bundle.manifest.model], folder / bundle.manifest.model
        model = onnx.load_from_string(self._file)
        self._weights = {
            name: values for name, values in _vectors(model.graph) if self._file.count(values.tobytes()) == 1
        }
        if not self._weights:
            raise InputError(
                f"{self._name}: no float32 vector of {_LEAST} or more numbers that is added, multiplied or a bias; "
                "set weight_flip and weight_huge to 0 in the plan"
            )
        _make_inputs(model.graph, self._weights)
        self._session = session(model.SerializeToString(), optimise=True)
        self._feeds = [
            {
                "window": image.decode(bundle.contents[known.window], str(folder / known.window))[None],
                "box": np.array(known.region, np.float32)[None],
            }
            for known in bundle.manifest.known_answers
        ]
        self._sound = list(self._logits())

    def draw(self, seed: int, huge: bool) -> Turn:
        """A turn that moves every known answer's logit.

        Args:
            seed: of the draw.
            huge: to nonsense, not finite or beyond 1e6; else to what could be believed.

        Raises:
            InputError: there is none among many.
        """
        draw, names = np.random.default_rng(seed), sorted(self._weights)
        places = _QUIET if not huge else _HUGE_FINITE if seed % 2 else _HUGE
        for _ in range(_TRIES):
            tensor = names[int(draw.integers(len(names)))]
            values = self._weights[tensor]
            index = int(draw.integers(values.size))
            bit, bits = places[int(draw.integers(len(places)))]
            with flipped(values, index, bit, bits):
                fits = all(_fits(*pair, huge) for pair in zip(self._sound, self._logits(), strict=True))
            if fits:
                stored = values.tobytes()
                at = self._file.find(stored)
                return Turn(tensor, index, bit, bits, stored, self._file[max(0, at - _IN_FRONT) : at])
        kind = "weight_huge" if huge else "weight_flip"
        raise InputError(f"{self._name}: {_TRIES} flips were tried, and none does what {kind} asks for; set it to 0")

    def _logits(self) -> Iterator[float]:
        for feed in self._feeds:
            yield float(self._session.run([LOGIT], {**feed, **self._weights})[0].reshape(-1)[0])


def _fits(sound: float, turned: float, huge: bool) -> bool:
    nonsense = not abs(turned) <= LOGIT_LIMIT
    return nonsense if huge else not nonsense and abs(turned - sound) > _CLEAR * max(1.0, abs(sound))


def _vectors(graph: GraphProto) -> Iterator[tuple[str, npt.NDArray[Any]]]:
    """Weights that are computed with as they are stored; the arrays are the caller's own."""
    used = {
        name
        for node in graph.node
        for place, name in enumerate(node.input)
        if node.op_type in ("Add", "Sub", "Mul", "Div") or (node.op_type in ("Conv", "Gemm") and place == 2)
    }
    for tensor in graph.initializer:
        if tensor.name in used and tensor.data_type == onnx.TensorProto.FLOAT:
            values = np.array(numpy_helper.to_array(tensor), order="C")
            if values.size >= _LEAST:
                yield tensor.name, values


def _make_inputs(graph: GraphProto, weights: dict[str, npt.NDArray[Any]]) -> None:
    for tensor in [each for each in graph.initializer if each.name in weights]:
        graph.initializer.remove(tensor)
        graph.input.append(helper.make_tensor_value_info(tensor.name, tensor.data_type, list(tensor.dims)))

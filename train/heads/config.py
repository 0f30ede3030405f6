"""The heads that a configuration can ask for, besides PLUME."""

from typing import Annotated, Literal

import msgspec

Count = Annotated[int, msgspec.Meta(ge=1, le=4096)]
Sets = Annotated[
    tuple[Annotated[tuple[str, ...], msgspec.Meta(min_length=1)], ...], msgspec.Meta(min_length=1, max_length=64)
]
Classes = Literal["names"] | Count


class _Options(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind"):
    """What all heads that are fitted in closed form have.

    Attributes:
        blocks: several backbone vectors are taken as one long vector (`joint`), or each gets a head of its own and
            the logits are added (`sum`); or so for sets of them, each a list of names out of `layers`, which may share
            some.
        weights: logits of several heads are standardised first, on samples held out in turn, so that each counts alike
            (`spread`); or they are added as they are (`equal`), as log-likelihood ratios may be.
        scale: features are taken as they are (`none`), or each backbone vector is brought to unit length first.
    """

    blocks: Literal["joint", "sum"] | Sets = "joint"
    weights: Literal["spread", "equal"] = "spread"
    scale: Literal["none", "unit"] = "none"


class NeighboursOptions(_Options, frozen=True, tag="neighbours"):
    """Mean distance to the nearest normals.

    Attributes:
        neighbours: k.
        metric: `cosine`; or Euclidean in features whitened with their own covariance, or with that within classes.
        local: each normal's distances are divided by the mean distance to this many of its own neighbours; 0: not.
        coreset: keep this many normals, chosen farthest first; null: all.
    """

    neighbours: Annotated[int, msgspec.Meta(ge=1, le=64)] = 2
    metric: Literal["cosine", "whitened", "class_whitened"] = "cosine"
    local: Annotated[int, msgspec.Meta(ge=0, le=256)] = 0
    coreset: Count | None = None


class GaussianOptions(_Options, frozen=True, tag="gaussian"):
    """Mahalanobis distances with Ledoit-Wolf covariances.

    Attributes:
        form: one Gaussian (`single`); the nearest of the classes', with one covariance within them (`per_class`); that
            less the one (`relative`); or that in the directions between the classes alone (`discriminant`).
        classes: the satellites' class names (normal data, but labels all the same), or this many k-means clusters.
    """

    form: Literal["single", "per_class", "relative", "discriminant"] = "single"
    classes: Classes = "names"

    def __post_init__(self) -> None:
        if self.form == "single" and self.classes != "names":
            raise ValueError(f"classes: {self.classes} changes nothing in form: single; leave it out, or set a form")


class PcaOptions(_Options, frozen=True, tag="pca"):
    """What the principal components of standardised features leave over.

    Attributes:
        variance: the share of the variance that the kept components explain.
    """

    variance: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.95


class DistilledOptions(_Options, frozen=True, tag="distilled"):
    """A small network that answers as a large memory of neighbours would.

    Attributes:
        teacher: the memory; leave its coreset null to keep every normal.
        hidden: units of each of its two hidden layers.
        questions: points around the normals that the teacher is asked about.
        epochs: passes over them.
    """

    teacher: NeighboursOptions = NeighboursOptions()
    hidden: Count = 256
    questions: Annotated[int, msgspec.Meta(ge=1000, le=1_000_000)] = 40_000
    epochs: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 20

    def __post_init__(self) -> None:
        own = _Options()
        for name in ("blocks", "weights", "scale"):
            if getattr(self.teacher, name) != getattr(own, name):
                raise ValueError(f"teacher.{name}: a teacher sees what its pupil sees; set {name} beside teacher")


def sets_of(options: _Options, layers: tuple[str, ...]) -> list[tuple[int, ...]]:
    """For each head that the options ask for, the numbers of the vectors that it takes, rising.

    Args:
        options: of a head.
        layers: names of all vectors.

    Raises:
        ValueError: a set names another one; one is in no set; a name or a set stands twice; weights of a single head.
    """
    sets = _sets_of(options, layers)
    if options.weights == "equal" and len(sets) == 1:
        raise ValueError("head.weights: equal changes nothing where one head takes all layers; set blocks too")
    return sets


def _sets_of(options: _Options, layers: tuple[str, ...]) -> list[tuple[int, ...]]:
    if isinstance(options.blocks, str):
        return [tuple(range(len(layers)))] if options.blocks == "joint" else [(i,) for i in range(len(layers))]
    named = [name for each in options.blocks for name in each]
    if unknown := sorted(set(named) - set(layers)):
        raise ValueError(f"head.blocks: {', '.join(unknown)}: not among layers, {', '.join(layers)}")
    if unused := [name for name in layers if name not in named]:
        raise ValueError(f"layers: {', '.join(unused)}: in no set of head.blocks; name it there, or leave it out here")
    for names in (layers, *options.blocks):
        if len(set(names)) < len(names):
            raise ValueError(f"{', '.join(names)}: a name stands twice")
    sets = [tuple(sorted(layers.index(name) for name in each)) for each in options.blocks]
    if len(set(sets)) < len(sets):
        raise ValueError("head.blocks: a set stands twice")
    return sets


ClosedForm = NeighboursOptions | GaussianOptions | PcaOptions | DistilledOptions


def uses_class_names(head: object) -> bool:
    """Whether a head is fitted with the satellites' class names: labels, though of normal data."""
    if isinstance(head, DistilledOptions):
        head = head.teacher
    if isinstance(head, NeighboursOptions):
        return head.metric == "class_whitened"
    return isinstance(head, GaussianOptions) and head.form != "single" and head.classes == "names"

"""A benchmark's configuration: which data, protocols and methods, and how often."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from onboard import strict_yaml
from onboard.crop_spec import CropSpec
from train.backbones.registry import BackboneOptions, Positive
from train.config import FitOptions, HeadOptions, refuse_sets
from train.data.config import CifarData, Data
from train.views.recipe import Recipe, refuse_on_whole_frames

Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,60}$")]
Layers = Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]


class Protocol(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """How crops come about, of training and test alike.

    Attributes:
        recipe: what is done to every frame, its turns aside.
        augment: recipes whose views are trained on instead of the recipe's own.
        crop: another crop than the benchmark's.
        mean: another normalisation than the backbone's own, in grey levels; goes with `std`.
        std: likewise; above 0.
    """

    recipe: Recipe = Recipe()
    augment: tuple[Recipe, ...] = ()
    crop: CropSpec | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[Positive, Positive, Positive] | None = None

    def __post_init__(self) -> None:
        if (self.mean is None) != (self.std is None):
            raise ValueError("'mean' and 'std' go together; give both, or neither for the backbone's own")

    @property
    def trained_on(self) -> tuple[Recipe, ...]:
        """The recipes whose views are trained on."""
        return self.augment or (self.recipe,)


class Method(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A head on some of the backbone's vectors.

    Attributes:
        layers: the vectors.
        head: fitted to them.
        fit: how heads that are trained by steps are trained.
        candidate: whether the label-free choice may take it.
        seeded: whether the seed changes its result; others are fitted once a split.
        splits: on how many of the splits it is run; null: all (for heads that take long).
        protocols: the protocols for which it is run; empty: all.
    """

    layers: Layers
    head: HeadOptions
    fit: FitOptions = FitOptions()
    candidate: bool = False
    seeded: bool = False
    splits: Annotated[int, msgspec.Meta(ge=1)] | None = None
    protocols: tuple[str, ...] = ()


class BenchmarkConfig(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Everything that decides a benchmark's tables.

    Attributes:
        data: which images. CIFAR's `normal_class` is the first of `normal_classes`.
        protocols: by name.
        methods: by name.
        normal_classes: CIFAR's classes, each normal in turn; empty where the data say what is normal.
        splits: how many draws of the split.
        redraw: put the data set's own train and test normals together and draw the test from them anew for each
            split; needed where the data set's own test is too small to tell splits apart.
        seeds: how many seeds of heads that are trained by steps, each on every split.
        stand_ins: what takes the place of anomalies in the label-free choice: satellite classes left out one at a
            time, or k-means clusters of the normals where they have but one class.
        left_out: how many clusters, or at most how many classes, are left out in turn.
        selection_splits: on how many of the splits the label-free choice is made.
        unseen: also judge the debris by the heads that were fitted without a satellite class: how well each candidate
            tells debris from a satellite that it does not know. It has no say in the choice.
        choices: protocols for which one head is chosen together, by name; each other protocol chooses for itself.
        thresholds: also tell what becomes of a threshold when frames change: for each of the choices, one that was set
            on satellites as its first protocol shows them, under all its protocols, which must train on the same views.
        crop: how a box becomes the backbone's input.
        backbone: the frozen network.
        device: `auto` takes CUDA where there is one.
        cache: folder of the feature cache.
    """

    data: Data
    protocols: dict[Name, Protocol]
    methods: dict[Name, Method]
    normal_classes: tuple[str, ...] = ()
    splits: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    redraw: bool = False
    seeds: Annotated[int, msgspec.Meta(ge=1, le=100)] = 5
    stand_ins: Literal["classes", "clusters"] = "classes"
    left_out: Annotated[int, msgspec.Meta(ge=2, le=100)] = 10
    selection_splits: Annotated[int, msgspec.Meta(ge=0)] = 5
    unseen: bool = False
    choices: dict[Name, Annotated[tuple[str, ...], msgspec.Meta(min_length=1)]] = {}
    thresholds: bool = False
    crop: CropSpec = msgspec.field(default_factory=CropSpec)
    backbone: BackboneOptions = msgspec.field(default_factory=BackboneOptions)
    device: Literal["auto", "cpu", "cuda"] = "auto"
    cache: str = "cache"

    def __post_init__(self) -> None:
        if not self.protocols or not self.methods:
            raise ValueError("protocols and methods must each name at least one")
        for protocol in self.protocols.values():
            refuse_on_whole_frames((protocol.recipe, *protocol.augment), protocol.crop or self.crop)
        if isinstance(self.data, CifarData):
            reduced = [name for name, p in self.protocols.items() if p.recipe.reduce_to_px and p.recipe.reduce != "all"]
            if reduced:  # an image is normal for one class and anomalous for another, and has one set of features
                raise ValueError(f"protocols.{reduced[0]}: with CIFAR reduce_to_px needs 'reduce: all'")
        if self.unseen and (self.stand_ins != "classes" or not self.selection_splits):
            raise ValueError("unseen: true needs 'stand_ins: classes' and selection_splits of 1 or more")
        if self.unseen and not any(method.candidate for method in self.methods.values()):
            raise ValueError("unseen: true judges candidates, and there is none: give a method 'candidate: true'")
        if self.redraw and isinstance(self.data, CifarData):
            raise ValueError("redraw: CIFAR has a test of its own, which is large enough; leave redraw out")
        if self.backbone.normalisation == "data":  # features are made once for all splits and normal classes
            raise ValueError("backbone.normalisation: data is not for benchmarks; give backbone.mean and backbone.std")
        for name, method in self.methods.items():
            if method.candidate and (method.splits or self.splits) < min(self.splits, self.selection_splits):
                raise ValueError(
                    f"methods.{name}.splits: {method.splits}, but the choice is made on {self.selection_splits} splits "
                    "(selection_splits); give a candidate as many"
                )
            try:
                refuse_sets(method.head, method.layers)
            except ValueError as error:
                raise ValueError(f"methods.{name}: {error}") from error
            if unknown := [p for p in method.protocols if p not in self.protocols]:
                raise ValueError(f"methods.{name}.protocols: {unknown} are not among {', '.join(self.protocols)}")
        for name, together in self.choices.items():
            if unknown := [p for p in together if p not in self.protocols]:
                raise ValueError(f"choices.{name}: {unknown} are not among {', '.join(self.protocols)}")
            if twice := sorted({p for p in together if together.count(p) > 1}):  # it would count twice in the mean
                raise ValueError(f"choices.{name}: {', '.join(twice)} stands twice; name each protocol once")
            if name in self.protocols:  # tables know a choice by its name, and a protocol chosen for alone by its own
                raise ValueError(f"choices.{name}: a protocol has this name; give the choice another one")
            self._refuse_partial(name, together)
        if self.thresholds:
            self._refuse_thresholds()

    def _refuse_partial(self, choice: str, together: tuple[str, ...]) -> None:
        """Raises:
        ValueError: a candidate runs under some of a choice's protocols only, so that it could not be compared.
        """
        for name, method in self.methods.items():
            missing = [p for p in together if method.protocols and p not in method.protocols]
            if method.candidate and 0 < len(missing) < len(together):
                raise ValueError(
                    f"methods.{name}.protocols: a candidate runs under all protocols of choices.{choice} or none "
                    f"of them; add {', '.join(missing)}, or set 'candidate: false'"
                )

    def _refuse_thresholds(self) -> None:
        """Raises:
        ValueError: there is nothing that `thresholds` could tell of.
        """
        if not self.choices or self.normal_classes or self.stand_ins != "classes":
            # Clusters are others under each protocol: no one head would be fitted without one of them.
            raise ValueError(
                "thresholds: true tells of the protocols of 'choices', where the data say what is normal; it needs "
                "choices, 'stand_ins: classes' and no normal_classes"
            )
        for name, together in self.choices.items():
            runs = [set(m.protocols or self.protocols) for m in self.methods.values() if m.candidate]
            if not any(set(together) <= protocols for protocols in runs):
                raise ValueError(
                    f"thresholds: true tells of candidates, and none runs under all of choices.{name}; give a method "
                    "'candidate: true', and no 'protocols' that leave some of these out"
                )
            first, *others = ((each, self._fitted_on(each)) for each in together)
            for other, fitted_on in others:
                if unlike := [key for key, value in fitted_on.items() if value != first[1][key]]:
                    raise ValueError(
                        f"thresholds: true needs one head for all of choices.{name}, but {other} has another "
                        f"{' and '.join(unlike)} than {first[0]}; give both the same"
                    )

    def _fitted_on(self, protocol: str) -> dict[str, object]:
        """What decides what a head is fitted on, by its key in the configuration."""
        found = self.protocols[protocol]
        return {"augment": found.trained_on, "crop": found.crop or self.crop, "mean": found.mean, "std": found.std}


def load(path: Path, data: str | None = None) -> BenchmarkConfig:
    """Read a benchmark's configuration; see `onboard.strict_yaml.load` for what it raises."""
    return strict_yaml.load(path, BenchmarkConfig, {"data.root": data} if data else None)

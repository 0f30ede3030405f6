"""What a benchmark is refused for before its features and fits, which take long."""

from collections.abc import Iterable

from onboard.errors import InputError
from train.benchmark.config import BenchmarkConfig
from train.benchmark.features import backbone_of
from train.data.config import SparkData
from train.data.samples import Split
from train.prepare import refuse_too_few


def refuse_unknown_layers(config: BenchmarkConfig, name: str) -> None:
    """Refuse a method whose layers the backbone does not have; `name` is what an error calls the configuration.

    Raises:
        InputError: there is such a method, or the backbone cannot be used.
    """
    looked_at = set()
    for protocol_name, protocol in config.protocols.items():
        methods = {n: m for n, m in config.methods.items() if not m.protocols or protocol_name in m.protocols}
        key = (protocol.crop or config.crop, frozenset(methods))
        if key in looked_at:
            continue
        looked_at.add(key)
        backbone = backbone_of(config, protocol)
        there = backbone.module.channels(protocol.crop or config.crop)
        for method_name, method in methods.items():
            if unknown := [layer for layer in method.layers if layer not in there]:
                raise InputError(
                    f"{name}: methods.{method_name}.layers: {unknown} are not vectors of {backbone.name}; "
                    f"it has {', '.join(there)}"
                )


def refuse_data(config: BenchmarkConfig, splits: Iterable[Split]) -> None:
    """Refuse data of which no table could be made.

    Raises:
        InputError: too few normals; a test without debris or without normals; one class where one is to be left out.
    """
    for split in splits:
        refuse_too_few(split, config.data.root)
        _refuse_one_kind(config, split)
        _refuse_one_class(config, split)


def _refuse_one_kind(config: BenchmarkConfig, split: Split) -> None:
    kinds = {sample.is_anomaly for sample in split.test}
    if len(kinds) == 2:
        return
    found = "all images" if True in kinds else "no image"
    by = f"data.anomaly_classes: {list(config.data.anomaly_classes)}" if isinstance(config.data, SparkData) else "class"
    classes = ", ".join(sorted({sample.label for sample in split.test})) or "none"
    raise InputError(
        f"{config.data.root}: {found} of the test is debris by {by} (classes of the test: {classes}); every figure of "
        "a benchmark tells debris from satellites: name in data.anomaly_classes which classes are debris, or give a "
        "data.root that has both"
    )


def _refuse_one_class(config: BenchmarkConfig, split: Split) -> None:
    leaves_out = config.selection_splits and any(method.candidate for method in config.methods.values())
    classes = {sample.label for sample in (*split.fit, *split.calibration)}
    if config.stand_ins == "classes" and leaves_out and len(classes) < 2:
        raise InputError(
            f"{config.data.root}: stand-ins need at least two satellite classes to train on, for one at a time is left "
            f"out, and there is only '{min(classes)}'; add a class, or set 'stand_ins: clusters' or "
            "'selection_splits: 0'"
        )

"""The graphs whose time is told hold the head that flies."""

from pathlib import Path

from train import cost_graphs
from train.backbones import registry
from train.backbones.registry import BackboneOptions
from train.config import load
from train.heads.blocks import BlockSum
from train.heads.config import GaussianOptions, sets_of


def test_lite0_has_the_head_of_the_sample_s_configuration() -> None:
    config = load(Path(__file__).parents[2] / "configs" / "spark_sample.yaml")
    assert isinstance(config.head, GaussianOptions) and config.head.form == "discriminant"
    channels = registry.load(BackboneOptions("efficientnet_lite0", weights="random")).module.channels(config.crop)
    widths = [channels[name] for name in config.layers]
    flown = cost_graphs.FLOWN["efficientnet_lite0"]
    assert [width for width in flown.channels for _ in range(1 + flown.spread)] == widths
    head = flown.head(widths)[0]
    assert isinstance(head, BlockSum)
    found = [tuple(row.nonzero().flatten().tolist()) for row in head.members]
    assert found == [tuple(each) for each in sets_of(config.head, config.layers)]
    classes = 10 * len(config.augment)  # of SPARK's ten satellites, each seen in these ways
    assert [each.axes.shape[1] for each in head.heads] == [classes - 1] * len(found)

"""PLAD's settings."""

from typing import Annotated, Literal

import msgspec

NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class PladSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="plad"):
    """Every setting of PLAD.

    Attributes:
        epochs: passes over the normal images.
        batch: images a step.
        learning_rate: Adam's at the peak of the one-cycle schedule.
        weight_decay: Adam's.
        width: channels of the first block of classifier and perturbator; each of the next two has twice as many.
        latent: length of the perturbator's latent code.
        lambda_noise: weight of the noise constraint. With the squared norm, 5 (PLUME's) keeps pseudo-anomalies so near
            that the classifier stays near chance for some hundred steps; 0.05 lets it learn from the first epoch on.
        noise_norm: squared l2 norm averaged over the batch, as in the paper, or mean squared error.
        nu_kl: weight of the Kullback-Leibler term.
    """

    epochs: Count = 100
    batch: Annotated[int, msgspec.Meta(ge=2)] = 64
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1e-3
    weight_decay: NonNegative = 5e-4
    width: Count = 32
    latent: Count = 128
    lambda_noise: NonNegative = 5.0
    noise_norm: Literal["squared_l2", "mean_square"] = "squared_l2"
    nu_kl: NonNegative = 1.0

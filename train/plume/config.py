"""PLUME's settings: three presets, and each point where the paper and its implementation differ."""

from typing import Annotated, Literal

import msgspec

NonNegative = Annotated[float, msgspec.Meta(ge=0)]
Positive = Annotated[float, msgspec.Meta(gt=0)]
Width = Annotated[int, msgspec.Meta(ge=1, le=16384)]
AdaptiveDim = Literal["features"] | Width
Decay = Annotated[float, msgspec.Meta(ge=0, lt=1)]
PseudoAnomalies = Literal["learned", "gaussian", "add_mult", "learned_gaussian"]


class PlumeOptions(msgspec.Struct, forbid_unknown_fields=True, frozen=True, tag_field="kind", tag="plume"):
    """What a configuration says of PLUME: a preset, and what is to differ from it (null: as in the preset).

    See `PlumeSettings` for what each key means.
    """

    preset: Literal["reference", "paper", "ours"] = "ours"
    model_dim: AdaptiveDim | None = None
    whiten: bool | None = None
    pseudo_anomalies: PseudoAnomalies | None = None
    perturbator_width: Width | None = None
    constraint: Literal["noise", "similarity"] | None = None
    noise_target: Literal["alpha_0_beta_1", "alpha_1_beta_0"] | None = None
    noise_norm: Literal["mean_square", "squared_l2"] | None = None
    gaussian_std: Positive | None = None
    batch_norm: Literal["separate", "union"] | None = None
    contrast: Literal["pairwise", "mean", "none"] | None = None
    denominator: Literal["transposed", "paper"] | None = None
    tau: Positive | None = None
    lambda_noise: NonNegative | None = None
    nu_kl: NonNegative | None = None
    gamma_contrast: NonNegative | None = None
    ema: Decay | None = None

    def resolve(self) -> "PlumeSettings":
        """The preset with this configuration's own values laid over it."""
        own = {k: v for k, v in msgspec.structs.asdict(self).items() if k != "preset" and v is not None}
        return msgspec.structs.replace(PRESETS[self.preset], **own)


class PlumeSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Every setting of PLUME, none left open.

    Attributes:
        model_dim: D, to which the feature vector is pooled adaptively; `features` leaves it at its own length.
        whiten: decorrelate the features with a shrunk covariance (Ledoit-Wolf) instead of a batch norm.
        pseudo_anomalies: `learned`, the perturbator's rank-one map (Eq. 2, 3); `add_mult`, its alpha * x + beta;
            `learned_gaussian`, noise of the mean and variance that it gives; or `gaussian`, noise of fixed deviation.
        perturbator_width: hidden width of the perturbator's encoder and decoder, and of its latent code.
        constraint: keeps the perturbator's pseudo-anomalies near the normals: by its alpha and beta (`noise`), or by
            the similarities between samples; see `losses.constraint`. `gaussian` has none.
        noise_target: what the noise constraint draws alpha and beta of `learned` to.
        noise_norm: mean squared error, or squared l2 norm averaged over the batch.
        gaussian_std: standard deviation of the noise, in units of the prepared features'.
        batch_norm: normals and pseudo-anomalies in two passes of the classifier, or in one over their union.
        contrast: the contrastive loss: over pairs (Eq. 7), against the two mean embeddings, or none.
        denominator: whose similarities stand in Eq. 7's denominator; see `losses.pairwise_contrast`.
        tau: temperature of the pairwise contrast.
        lambda_noise: weight of the noise constraint (lambda of Eq. 8).
        nu_kl: weight of the Kullback-Leibler term.
        gamma_contrast: weight of the contrastive loss (gamma of Eq. 8).
        ema: score and fly an exponential moving average of the classifier's weights, of this decay a step; 0 is off.
    """

    model_dim: AdaptiveDim = 3072
    whiten: bool = False
    pseudo_anomalies: PseudoAnomalies = "learned"
    perturbator_width: int = 3072
    constraint: Literal["noise", "similarity"] = "noise"
    noise_target: Literal["alpha_0_beta_1", "alpha_1_beta_0"] = "alpha_0_beta_1"
    noise_norm: Literal["mean_square", "squared_l2"] = "mean_square"
    gaussian_std: float = 0.5
    batch_norm: Literal["separate", "union"] = "separate"
    contrast: Literal["pairwise", "mean", "none"] = "pairwise"
    denominator: Literal["transposed", "paper"] = "transposed"
    tau: float = 0.5
    lambda_noise: float = 5.0
    nu_kl: float = 1.0
    gamma_contrast: float = 1.0
    ema: float = 0.0


_REFERENCE = PlumeSettings()
_PAPER = msgspec.structs.replace(
    _REFERENCE,
    noise_target="alpha_1_beta_0",
    noise_norm="squared_l2",
    batch_norm="union",
    denominator="paper",
)
# What the ablations of docs/quality_plume.md came to, whose figures are the test's: not a choice without labels.
_OURS = PlumeSettings(
    model_dim="features",
    whiten=True,
    pseudo_anomalies="gaussian",
    gaussian_std=0.5,
    batch_norm="union",
    denominator="paper",
    perturbator_width=256,
)
PRESETS: dict[str, PlumeSettings] = {"reference": _REFERENCE, "paper": _PAPER, "ours": _OURS}

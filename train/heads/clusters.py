"""Classes of normals: their own names, or clusters where those are not to be used."""

from typing import Literal

import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor

from train.heads.covariance import inverse_root, shrunk_covariance
from train.heads.normals import Normals


def numbers_of(normals: Normals, classes: int | Literal["names"], seed: int) -> Tensor:
    """Class numbers, int64 N: by the class names, or by k-means in whitened features."""
    if classes == "names":
        return torch.from_numpy(normals.class_numbers())
    x = normals.features.double().cpu()
    centred = x - x.mean(0)
    white = (centred @ inverse_root(shrunk_covariance(centred))).float().numpy()
    number = min(classes, len(white) // 2)
    found = MiniBatchKMeans(number, random_state=seed, n_init=3, batch_size=2048).fit_predict(white)
    return torch.unique(torch.from_numpy(found).long(), return_inverse=True)[1]

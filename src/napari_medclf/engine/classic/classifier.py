"""A classic model as a network: features that nobody learned for the task, and a head that scikit-learn fitted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.domain.errors import CardError
from napari_medclf.engine.classic.encoder import FrozenEncoder
from napari_medclf.engine.classic.features.collect import KINDS as FEATURES
from napari_medclf.engine.classic.features.collect import HandMadeFeatures
from napari_medclf.engine.classic.heads.kinds import build_head, candidates
from napari_medclf.engine.classic.heads.problem import Aim
from napari_medclf.engine.classic.standardise import Standardise


class ClassicClassifier(nn.Module):
    """Tells classes apart, or estimates numbers, from features.

    Parameters
    ----------
    kind : str
        Of `heads.kinds.KINDS`.
    spatial_dims, in_channels, out_channels : int
        Of the images, and how many answers there are.
    features : sequence of str
        Of `features.collect.KINDS`; left aside where there is an encoder.
    encoder : dict or None
        A network whose embedding is the features (`encoder.FrozenEncoder`).
    layer : str
        Of the encoder.
    aim : str
        What the answers mean (`heads.problem.Aim`).
    sizes : dict or None
        Of what was fitted; None before that.
    settings :
        With which it was, or is to be, fitted (`heads.kinds.Kind.settings`).

    Raises
    ------
    CardError
        If a name is unknown.
    """

    def __init__(
        self,
        kind: str,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        features: Sequence[str] = tuple(FEATURES),
        encoder: Mapping[str, Any] | None = None,
        layer: str = "",
        aim: str = Aim.ONE_CLASS,
        sizes: Mapping[str, Any] | None = None,
        **settings: Any,
    ) -> None:
        super().__init__()
        candidates(kind, settings)  # refuses what is none of its settings
        self.features: nn.Module
        if encoder is None:
            self.features = HandMadeFeatures(spatial_dims, in_channels, features)
        else:
            self.features = FrozenEncoder(encoder, layer)
        self.standardise: Standardise | None = None
        self.head: nn.Module | None = None
        if sizes is not None:
            more = dict(sizes)
            n_features = int(more.pop("n_features"))
            self.standardise = Standardise(n_features)
            self.head = build_head(kind, n_features, out_channels, Aim(aim), more)

    def describe(self, images: Tensor) -> Tensor:
        """Features (N, F) float64 of images (N, C, *spatial), as they were counted."""
        with torch.autocast(images.device.type, enabled=False):
            return self.features(images.float())

    def forward(self, images: Tensor) -> Tensor:
        """Answer (N, out_channels) float32: log-probabilities, logits or numbers, as the aim says.

        Raises
        ------
        CardError
            If it was not fitted yet.
        """
        if self.head is None or self.standardise is None:
            raise CardError("This classic model was not fitted yet. Train it first.")
        with torch.autocast(images.device.type, enabled=False):
            return self.head(self.standardise(self.describe(images))).float()

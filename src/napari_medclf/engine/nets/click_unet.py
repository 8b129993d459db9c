"""A U-Net that also looks at a person's clicks."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.basic_unet import BasicUNet


class ClickUNet(nn.Module):
    """A U-Net with one more input channel for the clicks of each class (Sakinis 2019, Diaz-Pinto 2022).

    Parameters
    ----------
    in_channels : int
        Of the image.
    out_channels : int
        Classes, background first; there are as many channels of clicks, in the same order.
    **others
        As of `BasicUNet`.
    """

    def __init__(self, spatial_dims: int = 3, in_channels: int = 1, out_channels: int = 2, **others: Any) -> None:
        super().__init__()
        self._n_image, self._n_clicks = in_channels, out_channels
        self.unet = BasicUNet(spatial_dims, in_channels + out_channels, out_channels, **others)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels, *spatial).

        Parameters
        ----------
        x : (N, in_channels, *spatial), or (N, in_channels + out_channels, *spatial)
            The image alone, or the image and its clicks.
        """
        if x.shape[1] == self._n_image:
            x = torch.cat([x, x.new_zeros((x.shape[0], self._n_clicks, *x.shape[2:]))], dim=1)
        logits: Tensor = self.unet(x)
        return logits

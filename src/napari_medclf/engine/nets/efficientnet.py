"""MONAI's EfficientNet (Tan 2019), made to learn from small data."""

from __future__ import annotations

from torch import Tensor, nn


class EfficientNet(nn.Module):
    """MONAI's ``EfficientNetBN`` with a head that starts small and norms that follow quickly.

    Parameters
    ----------
    model_name : str
        ``efficientnet-b0`` to ``efficientnet-b7``.
    momentum : float
        Part of a batch's statistics that the norms take over.

    Notes
    -----
    MONAI 1.6.1 draws the head's weights from 1 over the square root of the number of classes, as TensorFlow does for
    1000 of them: with two classes the first loss is near 10. Its momentum of 0.01 needs thousands of steps until
    evaluation knows what training saw.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        model_name: str = "efficientnet-b0",
        momentum: float = 0.1,
    ) -> None:
        from monai.networks.nets import EfficientNetBN

        super().__init__()
        self.network = EfficientNetBN(
            model_name,
            pretrained=False,
            spatial_dims=spatial_dims,
            in_channels=in_channels,
            num_classes=out_channels,
            norm=("batch", {"eps": 1e-3, "momentum": momentum}),
        )
        head = self.network.get_submodule("_fc")
        assert isinstance(head, nn.Linear)
        head.reset_parameters()

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        logits: Tensor = self.network(x)
        return logits

"""A plain row of convolutions and halvings (Simonyan 2015), for pictures and volumes."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from napari_medclf.engine.nets.layers import CONVOLUTION, MAX_POOL, MEAN_POOL, check_dims, make_norm


class VGG(nn.Module):
    """Stages of 3-voxel convolutions, each stage ended by a halving; then the mean over the image and one linear layer.

    Parameters
    ----------
    channels : sequence of int
        Of each stage; (64, 128, 256, 512, 512) in the paper.
    convolutions : sequence of int
        Of each stage; (1, 1, 2, 2, 2) is VGG-11, (2, 2, 3, 3, 3) VGG-16.
    dropout : float
        Part of the last features that is left out in training.

    Notes
    -----
    With batch normalisation (Ioffe 2015) after every convolution, and the mean in place of the paper's three large
    linear layers (Lin 2014), so that it learns from little data and takes any size.
    """

    def __init__(
        self,
        spatial_dims: int,
        in_channels: int,
        out_channels: int,
        channels: Sequence[int] = (64, 128, 256, 512, 512),
        convolutions: Sequence[int] = (1, 1, 2, 2, 2),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        check_dims(spatial_dims)
        if len(channels) != len(convolutions):
            raise ValueError(f"{len(channels)} stages have channels, and {len(convolutions)} have convolutions")
        befores = (in_channels, *channels[:-1])
        stages = zip(befores, channels, convolutions, strict=True)
        self.stages = nn.Sequential(*(_make_stage(spatial_dims, n_in, n_out, n) for n_in, n_out, n in stages))
        self.pool = MEAN_POOL[spatial_dims](1)
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(channels[-1], out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels)."""
        logits: Tensor = self.fc(self.dropout(self.pool(self.stages(x)).flatten(1)))
        return logits


def _make_stage(spatial_dims: int, n_in: int, n_out: int, n_convolutions: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number in range(n_convolutions):
        convolution = CONVOLUTION[spatial_dims](n_in if number == 0 else n_out, n_out, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(convolution.get_parameter("weight"), mode="fan_out", nonlinearity="relu")
        layers += [convolution, make_norm("batch", spatial_dims, n_out), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, MAX_POOL[spatial_dims](2, ceil_mode=True))

"""A HoVerNet that answers for all of its window, though it sees the middle of each of its own only (Graham 2019)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_SIZES = {"original": (270, 80), "fast": (256, 164)}
"""MONAI's modes: pixels that go in, and pixels in their middle that come out."""


class HoverWindows(nn.Module):
    """Lead a HoVerNet over a window in steps of what it answers for.

    Parameters
    ----------
    network : nn.Module
        ``monai.networks.nets.HoVerNet``: (N, C, in, in) to a dict with ``nucleus_prediction`` and
        ``horizontal_vertical``, (N, 2, out, out) each.
    mode : str
        ``original`` or ``fast``.
    is_transposed : bool
        Whether the network takes columns before rows, as MONAI loads pictures: what it calls horizontal then runs along
        our rows, and the two maps change places.
    """

    def __init__(self, network: nn.Module, mode: str, *, is_transposed: bool) -> None:
        super().__init__()
        self.network = network
        self._n_in, self._n_out = _SIZES[mode]
        self._is_transposed = is_transposed

    def forward(self, x: Tensor) -> Tensor:
        """Answer windows (N, C, J, I): (N, 4, J, I) with background, nucleus, horizontal and vertical distance.

        Around the window lies zero, as its authors pad pictures.
        """
        rim = (self._n_in - self._n_out) // 2
        tiles = [-(-size // self._n_out) for size in x.shape[2:]]
        behind = [n * self._n_out - size + rim for n, size in zip(tiles, x.shape[2:], strict=True)]
        padded = functional.pad(x, (rim, behind[1], rim, behind[0]))
        rows = [torch.cat([self._answer(padded, j, i) for i in range(tiles[1])], dim=3) for j in range(tiles[0])]
        return torch.cat(rows, dim=2)[:, :, : x.shape[2], : x.shape[3]]

    def _answer(self, padded: Tensor, j: int, i: int) -> Tensor:
        top, left = j * self._n_out, i * self._n_out
        found = self.network(padded[:, :, top : top + self._n_in, left : left + self._n_in])
        distances = found["horizontal_vertical"]
        return torch.cat([found["nucleus_prediction"], distances.flip(1) if self._is_transposed else distances], dim=1)

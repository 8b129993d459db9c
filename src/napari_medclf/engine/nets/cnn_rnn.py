"""Slices or frames in their order: a network for pictures, then one with a memory (Donahue 2015)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from napari_medclf.engine.nets.multi_view import picture_encoder

_MEMORIES: Mapping[str, Callable[..., nn.Module]] = {"gru": nn.GRU, "lstm": nn.LSTM}


class CNNRNN(nn.Module):
    """Every slice of a volume, or frame of a film, becomes features; a GRU or LSTM reads them in order, both ways.

    Parameters
    ----------
    memory : str
        ``gru`` (Cho 2014) or ``lstm`` (Hochreiter 1997).
    hidden : int
        Numbers that it remembers, in each direction of reading.
    n_rows : int
        Memories on top of each other.
    is_bidirectional : bool
        Whether it also reads from the end; for films that are judged as they run, it must not.
    layers, channels : four integers
        Blocks and channels of each stage of the network for pictures.

    Notes
    -----
    What is remembered at each slice is weighed by learned attention (Ilse 2018) and summed, so that a finding on a few
    slices counts as much as one on all.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        memory: Literal["gru", "lstm"] = "gru",
        hidden: int = 64,
        n_rows: int = 1,
        is_bidirectional: bool = True,
        layers: Sequence[int] = (1, 1, 1, 1),
        channels: Sequence[int] = (16, 32, 64, 128),
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if memory not in _MEMORIES:
            raise ValueError(f"the memory is gru or lstm, not {memory!r}")
        arguments: dict[str, Any] = {"num_layers": n_rows, "batch_first": True, "bidirectional": is_bidirectional}
        self.encoder = picture_encoder(in_channels, layers, channels)
        self.memory = _MEMORIES[memory](channels[-1], hidden, **arguments)
        n_remembered = hidden * (2 if is_bidirectional else 1)
        self.attention = nn.Sequential(nn.Linear(n_remembered, 32), nn.Tanh(), nn.Linear(32, 1))
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(n_remembered, out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, out_channels) of volumes (N, C, K, J, I), read along K."""
        slices = x.movedim(2, 1)
        features = self.encoder(slices.flatten(0, 1)).unflatten(0, slices.shape[:2])
        remembered, _ = self.memory(features)
        share = torch.softmax(self.attention(remembered), 1)
        logits: Tensor = self.fc(self.dropout((remembered * share).sum(1)))
        return logits

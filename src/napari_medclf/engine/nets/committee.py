"""Networks of any kind that answer with one voice: ten networks as one model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

_SMALLEST = 1e-7
"""Probabilities are kept this far from 0 and 1, so that their logits are finite."""


class Committee(nn.Module):
    """The weighted mean of the probabilities of several networks, as logits.

    Parameters
    ----------
    members : sequence of dict
        ``target`` and ``arguments`` of each network, as in a card. All take the same input and have the same classes.
    shares : sequence of float
        How much each counts; empty for all alike.
    temperatures : sequence of float
        The logits of each are divided by its own (Guo 2017); empty for 1.
    offsets : sequence of sequence of float
        Added to the logits of each after that, one a class, so that rare classes are neither over- nor underestimated
        (Alexandari 2020); empty for none.
    activation : str
        ``softmax`` for exclusive classes, ``sigmoid`` for independent ones, ``none`` for numbers, whose plain mean is
        returned.

    Notes
    -----
    Averaging probabilities of networks that differ only in their random start lowers the error and calibrates
    (Lakshminarayanan 2017, deep ensembles).
    """

    def __init__(
        self,
        members: Sequence[Mapping[str, Any]],
        shares: Sequence[float] = (),
        temperatures: Sequence[float] = (),
        activation: Literal["softmax", "sigmoid", "none"] = "softmax",
        offsets: Sequence[Sequence[float]] = (),
    ) -> None:
        from napari_medclf.domain.card import NetworkSpec
        from napari_medclf.engine.networks import build_network

        super().__init__()
        if not members:
            raise ValueError("a committee needs a member")
        if any(len(given) not in (0, len(members)) for given in (shares, temperatures, offsets)):
            raise ValueError(f"{len(members)} members need as many shares, temperatures and offsets, or none")
        self.members = nn.ModuleList(build_network(NetworkSpec.model_validate(dict(one))) for one in members)
        given = [float(one) for one in shares] or [1.0] * len(members)
        self._shares = [one / sum(given) for one in given]
        self._temperatures = [float(one) for one in temperatures] or [1.0] * len(members)
        self._offsets = [[float(value) for value in one] for one in offsets] or [[]] * len(members)
        self._activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes, *spatial), whose softmax or sigmoid is the mean of the members' probabilities."""
        total: Tensor | None = None
        for number, network in enumerate(self.members):
            part = self._activate(self._calibrated(network(x).float(), number)) * self._shares[number]
            total = part if total is None else total + part
        assert total is not None  # there is a member
        return self._deactivate(total)

    def _calibrated(self, logits: Tensor, number: int) -> Tensor:
        moved = logits / self._temperatures[number]
        offsets = self._offsets[number]
        if not offsets:
            return moved
        return moved + logits.new_tensor(offsets).view(-1, *([1] * (logits.dim() - 2)))

    def _activate(self, logits: Tensor) -> Tensor:
        if self._activation == "none":
            return logits
        return logits.softmax(1) if self._activation == "softmax" else logits.sigmoid()

    def _deactivate(self, mean: Tensor) -> Tensor:
        if self._activation == "none":
            return mean
        kept = mean.clamp(_SMALLEST, 1 - _SMALLEST)
        return kept.log() if self._activation == "softmax" else torch.logit(kept)

"""Between the order in which this program hands channels and axes to a network, and the one a network was made for."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError

_ORDERS = {2: "bcyx", 3: "bczyx"}


@dataclass(frozen=True)
class Arrangement:
    """How one network takes (N, C, *spatial) and returns its answer.

    Parameters
    ----------
    input_axes, output_axes : str
        Order of the network's own axes, such as ``byxc`` for channels last; `spatial` letters stand for the card's
        axes in order.
    input_channels : tuple of int
        How many channels each of several inputs takes; empty for one input.
    spatial_dims : int
        2 or 3.
    is_label_map : bool
        Whether the answer has a value for every voxel, rather than scores of the whole.
    """

    input_axes: str
    output_axes: str
    input_channels: tuple[int, ...]
    spatial_dims: int
    is_label_map: bool

    @classmethod
    def of(cls, card: ModelCard) -> Arrangement:
        """Read the arguments ``input_axes``, ``output_axes`` and ``input_channels`` of the card's network.

        Raises
        ------
        CardError
            If they do not name each axis once, or the channels do not add up.
        """
        usual = _ORDERS[card.input.spatial_dims]
        arguments = card.network.arguments
        axes = [str(arguments.get(key, usual)) for key in ("input_axes", "output_axes")]
        for given in axes:
            if sorted(given) != sorted(usual):
                raise CardError(f"The card of {card.name!r} gives axes {given!r}; expected an order of {usual!r}.")
        counts = tuple(int(n) for n in arguments.get("input_channels", ()))
        n = len(card.input.channels)
        if counts and (sum(counts) != n or min(counts) < 1):
            raise CardError(f"The card of {card.name!r} spreads {sum(counts)} channels over inputs, but names {n}.")
        return cls(axes[0], axes[1], counts, card.input.spatial_dims, not card.task.is_of_whole_image)

    def split(self, inputs: Tensor) -> tuple[Tensor, ...]:
        """Cut (N, C, *spatial) into the network's inputs, in its own order of axes."""
        parts = torch.split(inputs, list(self.input_channels), dim=1) if self.input_channels else (inputs,)
        usual = _ORDERS[self.spatial_dims]
        if self.input_axes == usual:
            return tuple(parts)
        order = [usual.index(letter) for letter in self.input_axes]
        return tuple(part.permute(order).contiguous() for part in parts)

    def back(self, answer: Tensor) -> Tensor:
        """Bring an answer to (N, classes, *spatial), or (N, classes) where it is about the whole.

        Raises
        ------
        CardError
            If it has another number of axes.
        """
        usual = _ORDERS[self.spatial_dims]
        if not self.is_label_map:
            return answer.flatten(1)
        if answer.ndim == len(usual) - 1 and answer.is_floating_point():
            answer = answer.unsqueeze(1)  # one class, without an axis for it
        elif answer.ndim != len(usual):
            raise CardError(f"The network returned an array of {answer.ndim} axes; expected {len(usual)} ({usual}).")
        elif self.output_axes != usual:
            answer = answer.permute([self.output_axes.index(letter) for letter in usual])
        if not answer.is_floating_point():
            raise CardError("The network returned whole numbers (labels); expected a score for every class.")
        return answer.float()

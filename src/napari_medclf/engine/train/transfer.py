"""Go on from another model's weights: what fits is taken over, and may be frozen for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

_WRAPPERS = ("module.", "model.", "network.", "net.", "backbone.", "encoder.")
"""What programs put before the names of a network's weights, or of the part that was trained before."""


@dataclass(frozen=True)
class TransferReport:
    """What came of the weights of another model.

    Parameters
    ----------
    matched : tuple of str
        Names of this network's weights that were taken over.
    reshaped : tuple of str
        Names that both have, in different shapes; they start at random.
    fresh : tuple of str
        Names that only this network has; they start at random.
    unused : tuple of str
        Names that only the other model has.
    """

    matched: tuple[str, ...]
    reshaped: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    @property
    def is_whole(self) -> bool:
        """Whether every weight was taken over."""
        return not (self.reshaped or self.fresh or self.unused)

    @property
    def sentence(self) -> str:
        """The numbers, with an example of each kind."""
        n = len(self.matched) + len(self.reshaped) + len(self.fresh)
        parts = [f"{len(self.matched)} of {n} weights were taken over from the model to start from"]
        parts += [
            f"{len(names)} {what}, such as {names[0]}"
            for names, what in (
                (self.reshaped, "have another shape and start at random"),
                (self.fresh, "are not in it and start at random"),
                (self.unused, "of its own are not used"),
            )
            if names
        ]
        return "; ".join(parts) + "."


def take_over(network: nn.Module, weights: Mapping[str, Tensor]) -> TransferReport:
    """Copy the weights that fit by name and shape into a network.

    Notes
    -----
    Where no name fits as it is, names are tried without what programs put before them (``module.``, ``encoder.``), and
    with what this network has before its parts.
    """
    own = network.state_dict()
    renamed = _renamed(weights, own)
    matched = tuple(name for name in own if name in renamed and renamed[name].shape == own[name].shape)
    network.load_state_dict({name: renamed[name] for name in matched}, strict=False)
    reshaped = tuple(name for name in own if name in renamed and name not in matched)
    fresh = tuple(name for name in own if name not in renamed)
    return TransferReport(matched, reshaped, fresh, tuple(name for name in renamed if name not in own))


def freeze(network: nn.Module, report: TransferReport) -> None:
    """Let only what started at random learn; the last part of the network where everything was taken over."""
    random = set(report.reshaped + report.fresh) & {name for name, _ in network.named_parameters()}
    if not random:
        random = {name for name, _ in network.named_parameters() if name.startswith(_head(network))}
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name in random)


def unfreeze(network: nn.Module) -> None:
    """Let everything learn."""
    network.requires_grad_(True)


def still_frozen_parts(network: nn.Module) -> None:
    """Keep the statistics of frozen norms as they were: what does not learn runs as in use."""
    for part in network.modules():
        own = list(part.parameters())
        if own and not any(parameter.requires_grad for parameter in own):
            part.eval()


def _head(network: nn.Module) -> str:
    *_, (last, _) = network.named_parameters()
    return last.rpartition(".")[0]


def _renamed(weights: Mapping[str, Tensor], own: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The naming of `weights` that most of `own` knows."""
    return max(_namings(weights), key=lambda one: len(one.keys() & own.keys()))


def _namings(weights: Mapping[str, Tensor]) -> Iterator[dict[str, Tensor]]:
    yield dict(weights)
    for prefix in _WRAPPERS:
        yield {name.removeprefix(prefix): value for name, value in weights.items()}
        yield {prefix + name: value for name, value in weights.items()}

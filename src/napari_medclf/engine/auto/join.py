"""Make one model of several fitted ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from torch import Tensor

from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.engine.train.fit import Fitted

TARGET = "napari_medclf.engine.nets.Committee"


def join(
    draft: ModelCard, members: Sequence[Fitted], shares: Sequence[float], offsets: Sequence[Sequence[float]] = ()
) -> Fitted:
    """Put fitted members into one network that answers with the weighted mean of their calibrated probabilities.

    Parameters
    ----------
    shares : sequence of float
        How much each counts; a member with 0 is left out. One member alone stays what it is, if it has no offsets.
    offsets : sequence of sequence of float
        Added to the logits of each member after its temperature, one a class; empty, as is a member's, for none.

    Returns
    -------
    Fitted
        Without numbers of its own: whoever made it measures it.
    """
    moves = [tuple(one) for one in offsets] or [()] * len(members)
    kept = [each for each in zip(members, shares, moves, strict=True) if each[1] > 0]
    if len(kept) == 1 and not any(kept[0][2]):
        return kept[0][0]
    cards = [member.card for member, _, _ in kept]
    arguments: dict[str, Any] = {
        "members": [card.network.model_dump(mode="json") for card in cards],
        "shares": [share for _, share, _ in kept],
        "temperatures": [card.output.temperature for card in cards],
        "activation": _activation(draft),
    }
    if any(any(one) for _, _, one in kept):
        arguments["offsets"] = [list(one) for _, _, one in kept]
    output = cards[0].output.model_copy(update={"temperature": 1.0})
    card = draft.model_copy(
        update={
            "network": NetworkSpec(target=TARGET, arguments=arguments),
            "output": output,
            "is_calibrated": all(card.is_calibrated for card in cards),
        }
    )
    return Fitted(
        state_dict=_numbered([member.state_dict for member, _, _ in kept]),
        card=card,
        history=tuple(chain.from_iterable(member.history for member in members)),
        best_epoch=sum(member.best_epoch for member, _, _ in kept),
        val_metrics={},
        elapsed_s=sum(member.elapsed_s for member in members),
    )


def _activation(draft: ModelCard) -> str:
    if draft.task is Task.REGRESS:
        return "none"
    return "softmax" if draft.output.activation == "softmax" else "sigmoid"


def _numbered(states: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    return {f"members.{number}.{name}": weight for number, state in enumerate(states) for name, weight in state.items()}

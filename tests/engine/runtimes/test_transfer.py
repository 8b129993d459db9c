"""Batches go to a device by two buffers in turns, and are used only when they are there."""

from __future__ import annotations

import torch

from napari_medclf.engine.runtimes.transfer import Sender


class FakeMover:
    """Writes down what is asked of it; a batch may be used only after it was waited for."""

    def __init__(self) -> None:
        self.log: list[str] = []

    def send(self, batch: torch.Tensor, slot: int) -> tuple[torch.Tensor, int]:
        number = int(batch.item())
        self.log.append(f"send {number} by {slot}")
        return batch.clone(), number

    def wait(self, moved: torch.Tensor, ticket: int) -> None:
        assert int(moved) == ticket
        self.log.append(f"wait {ticket}")


def test_sender_takes_two_buffers_in_turns_and_waits_for_each() -> None:
    mover = FakeMover()
    sender = Sender(torch.device("cuda"), mover)
    assert [int(sender.send(batch)) for batch in torch.arange(3)] == [0, 1, 2]
    assert mover.log == ["send 0 by 0", "wait 0", "send 1 by 1", "wait 1", "send 2 by 0", "wait 2"]


def test_sender_leaves_alone_what_is_there() -> None:
    batch = torch.zeros(2)
    assert Sender(torch.device("cpu")).send(batch) is batch
    mover = FakeMover()
    there = torch.zeros(2, device="meta")
    assert Sender(torch.device("meta"), mover).send(there) is there
    assert mover.log == []

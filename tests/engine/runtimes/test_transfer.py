"""A batch is on its way while the one before is computed on."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from napari_medclf.engine.runtimes.transfer import Sender, ahead


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


def batches(n: int, log: list[str] | None = None) -> Iterator[torch.Tensor]:
    for number in range(n):
        if log is not None:
            log.append(f"make {number}")
        yield torch.tensor(number)


def test_next_batch_is_sent_before_this_one_is_used() -> None:
    mover = FakeMover()
    for batch in ahead(batches(3), torch.device("cuda"), mover):
        mover.log.append(f"use {int(batch)}")
    assert mover.log == [
        *("send 0 by 0", "send 1 by 1", "wait 0", "use 0"),
        *("send 2 by 0", "wait 1", "use 1"),
        *("wait 2", "use 2"),
    ]


def test_one_batch_and_none_come_through() -> None:
    assert [int(batch) for batch in ahead(batches(1), torch.device("cuda"), FakeMover())] == [0]
    assert list(ahead(batches(0), torch.device("cuda"), FakeMover())) == []


def test_cpu_gets_the_very_batches_one_at_a_time() -> None:
    log: list[str] = []
    for batch in ahead(batches(2, log), torch.device("cpu")):
        log.append(f"use {int(batch)}")
    assert log == ["make 0", "use 0", "make 1", "use 1"]
    batch = torch.zeros(2)
    assert next(ahead([batch], torch.device("cpu"))) is batch


def test_sender_takes_two_buffers_in_turns_and_waits_for_each() -> None:
    mover = FakeMover()
    sender = Sender(torch.device("cuda"), mover)
    assert [int(sender.send(batch)) for batch in batches(3)] == [0, 1, 2]
    assert mover.log == ["send 0 by 0", "wait 0", "send 1 by 1", "wait 1", "send 2 by 0", "wait 2"]


def test_sender_leaves_alone_what_is_there() -> None:
    batch = torch.zeros(2)
    assert Sender(torch.device("cpu")).send(batch) is batch
    mover = FakeMover()
    there = torch.zeros(2, device="meta")
    assert Sender(torch.device("meta"), mover).send(there) is there
    assert mover.log == []

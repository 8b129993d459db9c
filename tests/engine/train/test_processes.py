from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from child_training import recipe_of
from tiny_trainings import finish, start

from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import OptionError
from napari_medclf.engine.train.processes import Processes

CHILD = Path(__file__).with_name("child_training.py")


@pytest.fixture(scope="module")
def shared(tmp_path_factory) -> Path:
    """Two processes train together, told of each other as torchrun does it."""
    folder = tmp_path_factory.mktemp("shared")
    _train_together(folder)
    return folder


def _train_together(folder: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    told = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "OMP_NUM_THREADS": "1"}
    # Else gloo asks for the host's name, which may lead nowhere inside a container.
    told |= {"GLOO_SOCKET_IFNAME": "lo"} if sys.platform == "linux" else {}
    logs = [folder / f"said-{rank}.txt" for rank in range(2)]
    children = []
    for rank, log in enumerate(logs):
        with log.open("w") as said:  # a full pipe would stop a child
            children.append(
                subprocess.Popen(
                    [sys.executable, str(CHILD), "share", str(folder)],
                    env={**os.environ, **told, "RANK": str(rank), "LOCAL_RANK": str(rank)},
                    stderr=said,
                )
            )
    try:
        for child in children:
            child.wait(timeout=85)
    finally:
        for child in children:
            child.kill()
    assert [child.returncode for child in children] == [0, 0], "\n".join(log.read_text() for log in logs)


@pytest.mark.parametrize("task", [Task.SEGMENT, Task.CLASSIFY])
def test_two_processes_give_the_result_of_one(shared, tmp_path, task):
    alone, _ = finish(start(task, recipe_of(task), tmp_path))
    together = torch.load(shared / f"{task.value}.pt", weights_only=True)
    for name, value in alone.state_dict.items():
        torch.testing.assert_close(together["weights"][name], value, atol=2e-5, rtol=1e-4, msg=name)
    for one, other in zip(alone.history, together["history"], strict=True):
        assert one == pytest.approx(other, abs=1e-4)


def test_only_the_first_process_writes(shared):
    assert sorted(path.name for path in (shared / "segment").iterdir()) == ["best.pt", "last.pt", "prev.pt"]


def test_batch_that_cannot_be_shared_evenly_is_refused():
    with pytest.raises(OptionError, match="batch of 3 cannot be shared evenly by 2"):
        Processes(n=2).check_batch(3)


def test_one_process_shares_nothing():
    alone = Processes()
    assert alone.same_values({"a": 1.5}) == {"a": 1.5}
    assert alone.same_state(None) is None
    assert alone.same_seconds(3.0) == 3.0

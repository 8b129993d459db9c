"""What the GUI tests share: a viewer with the workbench, a small real model, and a patient way to wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest


@pytest.fixture
def until(qtbot) -> Callable[..., None]:
    """Let the event loop run until something is true, or fail after a while."""

    def wait(condition: Callable[[], object], timeout_s: float = 30.0) -> None:
        qtbot.waitUntil(lambda: bool(condition()), timeout=int(timeout_s * 1000))

    return wait

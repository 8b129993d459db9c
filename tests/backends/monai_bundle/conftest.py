"""Bundles on disk: those of the zoo by their configurations, and small ones with random weights."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share zoo_configs.py
WriteBundle = Callable[..., Path]


@pytest.fixture
def write_bundle(tmp_path: Path) -> WriteBundle:
    """Write a bundle's configuration, metadata and weights into a folder of its own."""

    def write(
        inference: dict[str, Any],
        metadata: dict[str, Any] | None = None,
        state: dict[str, Any] | None = None,
        name: str = "bundle",
    ) -> Path:
        folder = tmp_path / name
        (folder / "configs").mkdir(parents=True, exist_ok=True)
        (folder / "models").mkdir(exist_ok=True)
        (folder / "configs/inference.json").write_text(json.dumps(inference))
        if metadata is not None:
            (folder / "configs/metadata.json").write_text(json.dumps(metadata))
        if state is None:
            (folder / "models/model.pt").write_bytes(b"no weights")
        else:
            import torch

            torch.save(state, folder / "models/model.pt")
        return folder

    return write


@pytest.fixture
def write_zoo(tmp_path: Path) -> Callable[[str], Path]:
    """Write one of the zoo's bundles from the facts about it, without its weights."""
    from zoo_configs import write_zoo_bundle

    return lambda name: write_zoo_bundle(name, tmp_path / name)

"""Bundles on disk: those of the zoo by their configurations, and small ones with random weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ZOO = Path(__file__).parent / "zoo"
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
def write_zoo(write_bundle: WriteBundle) -> Callable[[str], Path]:
    """Write one of the zoo's bundles, without its weights."""

    def write(name: str) -> Path:
        content = json.loads((ZOO / f"{name}.json").read_text())
        return write_bundle(content["inference"], content["metadata"], name=name)

    return write

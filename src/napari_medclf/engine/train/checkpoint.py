"""A training's state on disk, so that a kill, a crash or a cancel costs at most one epoch."""

from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any

import torch

from napari_medclf.atomic import atomic_write, sweep
from napari_medclf.domain.errors import DatasetError

LAST, PREVIOUS, BEST = "last.pt", "prev.pt", "best.pt"
_log = logging.getLogger(__name__)


class CheckpointFolder:
    """Keep the last, the one before and the best state of one training.

    Parameters
    ----------
    path : Path
        Made when it is missing; left-overs of killed writers in it are removed.
    digest : str
        Says which recipe, data and seed this is; states of another training are not taken up.
    """

    def __init__(self, path: Path, digest: str) -> None:
        self.path = path
        self._digest = digest
        path.mkdir(parents=True, exist_ok=True)
        sweep(path)

    def clear(self) -> None:
        """Forget what an earlier training left here."""
        for name in (LAST, PREVIOUS, BEST):
            (self.path / name).unlink(missing_ok=True)

    def save(self, state: dict[str, Any], *, is_best: bool) -> None:
        """Write a state of tensors, numbers, text, lists and dicts; the last one becomes the previous.

        Raises
        ------
        OSError
            If it cannot be written; the states before are intact.
        """
        content = _pack({**state, "digest": self._digest})
        if is_best:  # first: a kill after it costs this epoch, which then comes out the same again
            atomic_write(self.path / BEST, content)
        last = self.path / LAST
        if last.exists():
            last.replace(self.path / PREVIOUS)
        atomic_write(last, content)

    def load(self) -> tuple[dict[str, Any] | None, tuple[str, ...]]:
        """Read the last state, or the one before it where the last is damaged.

        Returns
        -------
        (state or None, warnings)
            None where this training was never saved here.

        Raises
        ------
        DatasetError
            If the folder holds a training with another recipe, data or seed.
        """
        warnings: list[str] = []
        for name in (LAST, PREVIOUS):
            path = self.path / name
            if not path.exists():
                continue
            state = _read(path)
            if state is None:
                warnings.append(f"{path} is damaged; going on from the checkpoint before it, or from the start.")
                continue
            self._check_origin(path, state)
            return state, tuple(warnings)
        return None, tuple(warnings)

    def load_best(self) -> dict[str, Any] | None:
        """Read the best state; None where there is none or it is damaged."""
        return _read(self.path / BEST) if (self.path / BEST).exists() else None

    def _check_origin(self, path: Path, state: dict[str, Any]) -> None:
        if state.get("digest") != self._digest:
            raise DatasetError(
                f"{path} belongs to a training with another recipe, other data or another seed. Train into another "
                "folder, or without resuming."
            )


def _pack(state: dict[str, Any]) -> bytes:
    buffer = io.BytesIO()
    torch.save(state, buffer)
    return buffer.getvalue()


def _read(path: Path) -> dict[str, Any] | None:
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception:  # noqa: BLE001  (torch 2.13 raises anything, IndexError too, on torn bytes)
        _log.debug("%s cannot be read", path, exc_info=True)
        return None
    return state if isinstance(state, dict) else None

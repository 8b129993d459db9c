"""Read a safetensors file after a look at its header."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from napari_medclf.domain.errors import CardError

_LENGTH_BYTES = 8
_MOST_HEADER_BYTES = 100_000_000  # the limit of the format's own reader


def read_safetensors(path: Path) -> dict[str, Tensor]:
    """Read all tensors by name, on the CPU, as they are stored.

    Raises
    ------
    CardError
        If the file is cut short or damaged, or names a tensor twice (safetensors 0.8 takes the last one).
    """
    _check_header(path)
    try:
        # load_file maps the file into memory: were it overwritten later, the whole program would die (bus error)
        return {name: tensor.clone() for name, tensor in load_file(path, device="cpu").items()}
    except (SafetensorError, OSError, ValueError, KeyError, torch.OutOfMemoryError) as error:
        raise CardError(f"{path}: not a whole safetensors file ({_first_line(error)}).") from error


def _check_header(path: Path) -> None:
    try:
        with path.open("rb") as file:
            n_header = int.from_bytes(file.read(_LENGTH_BYTES), "little")
            if n_header > min(path.stat().st_size - _LENGTH_BYTES, _MOST_HEADER_BYTES):
                raise CardError(f"{path}: not a whole safetensors file (it is cut short within its header).")
            json.loads(file.read(n_header), object_pairs_hook=_refuse_repeated)
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path}: not a whole safetensors file ({_first_line(error)}).") from error


def _refuse_repeated(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        repeated = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"its header names {repeated[:80]!r} twice")
    return found


def _first_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

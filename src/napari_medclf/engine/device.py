"""Choose where a network runs."""

from __future__ import annotations

import torch

from napari_medclf.domain.errors import BackendUnavailable, unknown_choice
from napari_medclf.domain.run_settings import DEVICES

_NUMBERED = ("cuda", "xpu")


def choose_device(name: str = "auto") -> torch.device:
    """Turn a choice into a device that is there.

    Parameters
    ----------
    name : str
        ``auto`` takes an NVIDIA (or ROCm) GPU, else Intel's, else Apple's, else the CPU; ``cuda:1`` the second GPU.

    Raises
    ------
    BackendUnavailable
        If the name is not known, or this computer has no such device.
    """
    kind, colon, number = name.casefold().partition(":")
    if kind not in DEVICES or (colon and not (kind in _NUMBERED and number.isdigit())):
        raise BackendUnavailable(unknown_choice("device", name, DEVICES))
    if kind == "auto":
        return torch.device(_find_best())
    if kind in _NUMBERED:
        _check_number(name, kind, int(number or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise BackendUnavailable("There is no Apple GPU that torch can use here. Choose 'auto' or 'cpu'.")
    return torch.device(name.casefold())


def _find_best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    if torch.xpu.is_available():
        return "xpu"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _check_number(name: str, kind: str, number: int) -> None:
    module, maker = (torch.cuda, "NVIDIA") if kind == "cuda" else (torch.xpu, "Intel")
    n_found = module.device_count() if module.is_available() else 0
    if n_found == 0:
        raise BackendUnavailable(
            f"There is no GPU for {name!r}: no {maker} driver was found, or torch was installed without "
            f"{kind.upper()}. Choose 'auto' or 'cpu'."
        )
    if number >= n_found:
        raise BackendUnavailable(f"There is no {name!r}: this computer has {n_found} GPU(s), counted from {kind}:0.")

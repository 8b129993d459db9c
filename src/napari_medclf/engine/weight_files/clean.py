"""Make sure that tensors can be the weights of a network, in float32."""

from __future__ import annotations

import torch
from torch import Tensor

from napari_medclf.domain.errors import CardError

_WIDE = (torch.float32, torch.float64, torch.float16, torch.bfloat16)
_WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.bool)
# A file may name a tensor several times (tied layers), but not stretch a few bytes over a computer's memory.
_MOST_TIMES_OF_FILE = 64
_ALWAYS_FINE_BYTES = 2**24


def clean_tensors(tensors: dict[str, Tensor], name: str, n_file_bytes: int) -> dict[str, Tensor]:
    """Bring floating-point tensors to contiguous float32 and leave whole numbers (counters) as they are.

    Parameters
    ----------
    tensors : dict
        Left alone.
    name : str
        Of the file, for messages.
    n_file_bytes : int
        Its size, to notice tensors that no file of that size can hold.

    Raises
    ------
    CardError
        If there is nothing, a tensor is quantised, sparse, complex or of another strange kind, or is not finite.
    """
    if not tensors:
        raise CardError(f"{name}: holds no weights at all.")
    n_bytes = sum(4 * tensor.numel() for tensor in tensors.values())
    if n_bytes > max(_MOST_TIMES_OF_FILE * n_file_bytes, _ALWAYS_FINE_BYTES):
        raise CardError(f"{name}: speaks of {n_bytes} bytes of weights in a file of {n_file_bytes}; it is damaged.")
    return {key: _clean(tensor, key, name) for key, tensor in tensors.items()}


def _clean(tensor: Tensor, key: str, name: str) -> Tensor:
    if tensor.layout is not torch.strided or tensor.is_quantized or tensor.dtype not in (*_WIDE, *_WHOLE):
        raise CardError(f"{name}: {key!r} is stored as {_kind(tensor)}, which is not run here; float32 is.")
    if tensor.dtype in _WHOLE:
        return tensor.detach().contiguous()
    plain = tensor.detach().to(torch.float32).contiguous()
    if plain.numel() and not bool(torch.isfinite(plain).all()):
        raise CardError(f"{name}: {key!r} holds numbers that are not finite; the weights are damaged.")
    return plain


def _kind(tensor: Tensor) -> str:
    words = str(tensor.dtype).removeprefix("torch.")
    return words if tensor.layout is torch.strided else f"sparse {words}"

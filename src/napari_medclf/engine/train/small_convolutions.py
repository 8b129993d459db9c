"""Compute convolutions of images hardly larger than their kernel in single precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

_CONVOLUTIONS = (torch.conv1d, torch.conv2d, torch.conv3d)
_TRANSPOSED = (torch.conv_transpose1d, torch.conv_transpose2d, torch.conv_transpose3d)


class SmallConvolutions(TorchFunctionMode):
    """While it is entered, a convolution of an image no longer than its kernel on some axis leaves autocast.

    Notes
    -----
    torch 2.13 with oneDNN reads memory that nobody wrote for the gradient of such a layer's weight, in bfloat16 on
    processors that compute it (AVX512-BF16): kernel 3 on a depth of 2, as in the deepest layer of a U-Net with four
    poolings on patches of 32 voxels. The gradient is NaN, so that the step is left out, or, worse, only wrong. Half of
    all steps were lost so. Kernels of 1 are right.
    """

    def __torch_function__(
        self, func: Any, types: Any, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a function of torch, in single precision where it is a small convolution."""
        kwargs = kwargs or {}
        if func not in _CONVOLUTIONS + _TRANSPOSED or not _is_small(args[0], args[1]):
            return func(*args, **kwargs)
        return _in_single_precision(func, args, kwargs)


def _is_small(images: Tensor, weight: Tensor) -> bool:
    axes = zip(images.shape[2:], weight.shape[2:], strict=True)
    return images.device.type == "cpu" and any(1 < kernel >= length for length, kernel in axes)


def _in_single_precision(func: Callable[..., Tensor], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Tensor:
    with torch.autocast("cpu", enabled=False):
        tensors = [one.float() if isinstance(one, Tensor) else one for one in args]
        named = {name: one.float() if isinstance(one, Tensor) else one for name, one in kwargs.items()}
        return func(*tensors, **named)

"""How a model is loaded and run; none of it changes what the model is."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from napari_medclf.domain.errors import OptionError

DEVICES = ("auto", "cpu", "cuda", "mps", "xpu")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
RUNTIMES = ("auto", "torch", "compile", "onnx", "openvino")


@dataclass(frozen=True)
class LoadSettings:
    """Where and with what a network computes.

    Parameters
    ----------
    device : str
        Of `DEVICES`; ``cuda:1`` is the second GPU.
    precision : str
        Of `PRECISIONS`; ``auto`` is float32 on a CPU, and what the device is fast at elsewhere.
    runtime : str
        Of `RUNTIMES`; ``auto`` takes another one than torch only where it was measured faster on this computer and
        answers the same within the card's tolerance.
    cache_folder : Path or None
        Where converted networks, and which runtime was measured fastest, are kept; None keeps and measures nothing.
    n_images : int
        How many images will be run: runtimes are measured once, and only where the work is long enough to pay for it.
    """

    device: str = "auto"
    precision: str = "auto"
    runtime: str = "auto"
    cache_folder: Path | None = None
    n_images: int = 1


@dataclass(frozen=True)
class RunSettings:
    """How a loaded model is run on an image.

    Parameters
    ----------
    overlap : float or None
        Part of a window that neighbours share, in [0, 1); None as the card says.
    mirror : bool or None
        Test-time augmentation by flips: always over all axes, never, or as the card says.
    batch : int
        Windows at once; 0 fits it to the device and its memory.
    memory_bytes : int or None
        What the run may take; None for what is free.
    is_uncertainty_wanted : bool
        Whether a map of uncertainty is made, too.
    focus : (axis, index) or None
        The slice of the image a person looks at (0 = k, 1 = j, 2 = i): its windows run first.
    is_air_skipped : bool or None
        Whether windows outside of the body are left out; None as the card says.
    """

    overlap: float | None = None
    mirror: bool | None = None
    batch: int = 0
    memory_bytes: int | None = None
    is_uncertainty_wanted: bool = False
    focus: tuple[int, int] | None = None
    is_air_skipped: bool | None = None

    def __post_init__(self) -> None:
        if self.overlap is not None and not 0 <= self.overlap < 1:
            raise OptionError(f"The overlap is {self.overlap:g}, but must be at least 0 and below 1.")

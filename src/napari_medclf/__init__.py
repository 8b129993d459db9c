"""Deep models for medical images: run, see, correct, train and batch, in napari and without.

The names below are looked up when they are used: importing this package loads no heavy library.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_medclf.jobs.api import batch, evaluate, models, predict, read, read_image, train

    __version__: str

__all__ = ["__version__", "batch", "evaluate", "models", "predict", "read", "read_image", "train"]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("napari-medclf")
    if name in __all__:
        from napari_medclf.jobs import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

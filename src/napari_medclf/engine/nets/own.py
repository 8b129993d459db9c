"""Networks of this package that MONAI does not have, by the names that cards give them."""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from napari_medclf.engine.nets.committee import Committee

OWN: dict[str, Callable[..., nn.Module]] = {
    f"napari_medclf.engine.nets.{network.__name__}": network for network in (Committee,)
}
"""Full name to network."""

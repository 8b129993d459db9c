"""A map of uncertainty as a napari image layer over the image."""

from __future__ import annotations

from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo
from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.bridge.orientation import display_frame, placement
from napari_medclf.domain.results import UncertaintyMap


def uncertainty_layer(uncertainty: UncertaintyMap, name: str = "uncertainty") -> LayerTuple:
    """Describe a map as a layer that lies on its image as labels do: dark where the model is sure, bright where not.

    The values are shared, not copied.
    """
    frame = display_frame(uncertainty.geometry)
    place = placement(uncertainty.geometry, frame)
    keywords = {
        "name": name,
        "metadata": {METADATA_KEY: LayerInfo(uncertainty.geometry, frame, uncertainty=uncertainty)},
        "colormap": "inferno",
        "blending": "additive",
        "opacity": 0.6,
        "contrast_limits": (0.0, 1.0),
        "rgb": False,
        "scale": place.scale,
        "translate": place.translate,
        "units": place.units,
        "axis_labels": place.axis_labels,
    }
    return frame.to_display(uncertainty.values), keywords, "image"

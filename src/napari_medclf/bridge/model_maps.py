"""Maps of what a model thinks, of doubt and of evidence, as napari image layers over the image."""

from __future__ import annotations

from napari_medclf.bridge.layer_info import METADATA_KEY, LayerInfo
from napari_medclf.bridge.layers import LayerTuple
from napari_medclf.bridge.orientation import display_frame, placement
from napari_medclf.domain.arrays import FloatArray
from napari_medclf.domain.heat_map import HeatMap
from napari_medclf.domain.results import UncertaintyMap


def uncertainty_layer(uncertainty: UncertaintyMap, name: str = "uncertainty") -> LayerTuple:
    """Describe a map as a layer that lies on its image as labels do: dark where the model is sure, bright where not.

    The values are shared, not copied.
    """
    info = LayerInfo(uncertainty.geometry, display_frame(uncertainty.geometry), uncertainty=uncertainty)
    return _described(uncertainty.values, info, name)


def heat_layer(heat: HeatMap, name: str = "heat") -> LayerTuple:
    """Describe what speaks for a class as a layer that lies on its image: bright where most does.

    The values are shared, not copied.
    """
    return _described(heat.values, LayerInfo(heat.geometry, display_frame(heat.geometry), heat=heat), name)


def _described(values: FloatArray, info: LayerInfo, name: str) -> LayerTuple:
    place = placement(info.geometry, info.frame)
    keywords = {
        "name": name,
        "metadata": {METADATA_KEY: info},
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
    return info.frame.to_display(values), keywords, "image"

"""One labelled slice, shown at once while the rest of an answer is still computed."""

from __future__ import annotations

import numpy as np

from napari_medclf.bridge.layers import LayerTuple, class_colours
from napari_medclf.bridge.orientation import display_frame, placement
from napari_medclf.domain.events import Previewed
from napari_medclf.domain.geometry import Geometry
from napari_medclf.domain.labels import LabelSchema


def preview_layer(preview: Previewed, geometry: Geometry, schema: LabelSchema, name: str) -> LayerTuple:
    """Describe a slice of labels as a layer on the whole grid of its image.

    The layer holds none of our metadata, so that nobody takes it for an answer: it is not accepted, saved or learned
    from. Its other slices are empty, and take no memory until they are looked at.
    """
    highest = int(preview.labels.max(initial=0))
    labels = np.zeros(geometry.shape, dtype=np.uint8 if highest < 256 else np.int32)
    labels[(slice(None),) * preview.axis + (preview.index,)] = preview.labels
    frame = display_frame(geometry)
    place = placement(geometry, frame)
    keywords = {
        "name": name,
        "opacity": 0.6,
        "colormap": class_colours(schema),
        "scale": place.scale,
        "translate": place.translate,
        "units": place.units,
        "axis_labels": place.axis_labels,
    }
    return frame.to_display(labels), keywords, "labels"

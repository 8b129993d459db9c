"""Labels layers that we draw and nobody paints on, made in steps between which the event loop turns.

napari 0.9 takes a tenth of a second for a labels layer: its brush and its polygon are made with it. So it is added
small and hidden, and filled and shown in a later turn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from napari.layers import Labels


def add_hidden(viewer: Any, like: Any, name: str, colours: Mapping[int | None, str], opacity: float) -> Any:
    """Add a layer of one voxel that nobody sees, which lies on other labels; those stay what is worked on.

    Parameters
    ----------
    like : Labels
        Whose place, scale and axes it takes over.
    colours : mapping
        Label value to colour.
    """
    layer = Labels(
        np.zeros((1,) * like.ndim, np.uint8),
        name=name,
        scale=like.scale,
        translate=like.translate,
        units=like.units,
        axis_labels=like.axis_labels,
        colormap=dict(colours),
        opacity=opacity,
        visible=False,
    )
    layer.editable = False
    selection = viewer.layers.selection
    chosen = selection.active
    with selection.events.blocker():  # it ends as it was, and to follow it twice takes as long as to add the layer
        added = viewer.add_layer(layer)
        selection.active = chosen
    return added

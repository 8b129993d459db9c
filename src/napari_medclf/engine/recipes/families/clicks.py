"""A segmentation network that a person's clicks lead."""

from __future__ import annotations

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import patches
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.training import train_patches

_DIVISOR = 16
"""A network of five levels halves its input four times."""


def _plan_click_unet(look: DataLook) -> Recipe:
    values = (0, *(one.value for one in look.schema.foreground))
    spec = patches(look, _DIVISOR).model_copy(update={"clicks": values})
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "features": [16, 16, 32, 64, 64, 16] if spec.spatial_dims == 3 else [16, 24, 48, 96, 128, 16],
    }
    # The score is that without clicks, which need not be best where clicks are followed best.
    return train_patches(look, spec, "napari_medclf.engine.nets.ClickUNet", arguments, keep="last", patience=0)


FAMILIES = (
    RecipeFamily(
        "click-unet",
        "U-Net that follows clicks",
        (Task.SEGMENT,),
        (2, 3),
        "Learns to answer by itself, and to follow clicks on what is wrong: prompts in the window are then asked of "
        "the network, and not of its last layer alone. Needs more time a step than the U-Net, as it answers twice.",
        _plan_click_unet,
        "Sakinis 2019, Interactive segmentation of medical images through fully convolutional neural networks; "
        "Diaz-Pinto 2022, DeepEdit: deep editable learning for interactive segmentation of 3D medical images",
        {"features": "channels of the five levels, the top first, and of the last block"},
    ),
)

"""What is trained when nobody chooses: networks that learn on a laptop in minutes."""

from __future__ import annotations

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import patches, whole_image
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.training import is_small, train_patches, train_whole

_DIVISOR = 16
"""A U-Net of five levels halves its input four times."""


def _plan_small_resnet(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "block": "basic",
        "layers": [1, 1, 1, 1],
        "block_inplanes": [16, 32, 64, 128],
        "spatial_dims": spec.spatial_dims,
        "n_input_channels": len(spec.channels),
        "num_classes": n_outputs(look.task, look.schema),
        "conv1_t_size": 3 if is_small(spec) else 7,
        "conv1_t_stride": 1 if is_small(spec) else 2,
        "no_max_pool": is_small(spec),
    }
    batch = 64 if is_small(spec) else 16
    return train_whole(look, spec, "monai.networks.nets.ResNet", arguments, batch=batch)


def _plan_unet(look: DataLook) -> Recipe:
    spec = patches(look, _DIVISOR)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "features": [16, 16, 32, 64, 64, 16] if spec.spatial_dims == 3 else [16, 24, 48, 96, 128, 16],
        "act": ["LeakyReLU", {"negative_slope": 0.01, "inplace": True}],
        "norm": ["instance", {"affine": True}],
    }
    return train_patches(look, spec, "monai.networks.nets.BasicUNet", arguments)


FAMILIES = (
    RecipeFamily(
        "small-resnet",
        "Small residual network",
        (Task.CLASSIFY, Task.REGRESS),
        (2, 3),
        "Four residual blocks on the whole image. The choice when none is made: it learns on a laptop in minutes.",
        _plan_small_resnet,
        "He 2016, Deep residual learning for image recognition",
        {
            "layers": "residual blocks of each of the four stages",
            "block_inplanes": "channels of each stage",
            "no_max_pool": "whether the size is kept at the start, for small images",
        },
    ),
    RecipeFamily(
        "unet",
        "U-Net",
        (Task.SEGMENT, Task.INSTANCES),
        (2, 3),
        "A U-Net of five levels on patches. The choice when none is made: small, quick, and good where structures are "
        "clear.",
        _plan_unet,
        "Ronneberger 2015, U-Net: convolutional networks for biomedical image segmentation",
        {"features": "channels of the five levels, the top first, and of the last block"},
    ),
)

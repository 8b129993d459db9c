"""Networks that look at patches, slices or regions and decide which of them count."""

from __future__ import annotations

from functools import partial

from napari_medclf.domain.card import Task
from napari_medclf.domain.recipe import OptimiserSettings, Recipe
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import whole_image
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs
from napari_medclf.engine.recipes.training import is_small, train_whole

_OURS = "napari_medclf.engine.nets"
_WHOLE = (Task.CLASSIFY, Task.REGRESS)
_SLOW_START = OptimiserSettings(lr=5e-4, weight_decay=0.05)


def _plan_vit(look: DataLook) -> Recipe:
    small = whole_image(look)
    patch = _vit_patch(small.spatial_dims, is_small=is_small(small))
    spec = whole_image(look, multiple=patch)
    arguments = {
        "in_channels": len(spec.channels),
        "img_size": list(spec.patch_vox),
        "patch_size": [patch] * spec.spatial_dims,
        "hidden_size": 192,
        "mlp_dim": 384,
        "num_layers": 6,
        "num_heads": 6,
        "classification": True,
        "num_classes": n_outputs(look.task, look.schema),
        "dropout_rate": 0.1,
        "spatial_dims": spec.spatial_dims,
        "post_activation": "none",
    }
    return train_whole(look, spec, "monai.networks.nets.ViT", arguments, optimiser=_SLOW_START, epochs=80)


def _vit_patch(spatial_dims: int, *, is_small: bool) -> int:
    """Side of a patch: some tens to hundreds of patches an image."""
    if spatial_dims == 3:
        return 8
    return 4 if is_small else 16


def _plan_multi_view(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "n_slices": 3,
        "neighbours": 1,
        "size": max(spec.patch_vox),
        "layers": [1, 1, 1, 1],
        "channels": [24, 48, 96, 160],
        "pooling": "max",
    }
    return train_whole(look, spec, f"{_OURS}.MultiView", arguments)


def _plan_acs(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "layers": [2, 2, 2, 2],
        "channels": [64, 128, 256, 512],
        "stem_kernel": 3,
        "stem_stride": 2,
    }
    return train_whole(look, spec, f"{_OURS}.ACSResNet", arguments, optimiser=OptimiserSettings(weight_decay=0.05))


def _plan_cnn_rnn(look: DataLook, memory: str) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "memory": memory,
        "hidden": 64,
        "n_rows": 1,
        "is_bidirectional": True,
        "layers": [1, 1, 1, 1],
        "channels": [16, 32, 64, 128],
    }
    return train_whole(look, spec, f"{_OURS}.CNNRNN", arguments, optimiser=OptimiserSettings(weight_decay=0.05))


def _plan_region_graph(look: DataLook) -> Recipe:
    spec = whole_image(look)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "n_regions": 64 if spec.spatial_dims == 2 else 100,
        "compactness": 0.1,
        "stem": [16, 32],
        "hidden": [64, 64, 64],
    }
    return train_whole(look, spec, f"{_OURS}.RegionGraph", arguments)


_MEMORY_ARGUMENTS = {
    "hidden": "numbers it remembers, in each direction of reading",
    "n_rows": "memories on top of each other",
    "is_bidirectional": "whether it also reads from the end",
    "channels": "channels of each stage of the network for slices",
}


def _cnn_rnn(memory: str, source: str) -> RecipeFamily:
    return RecipeFamily(
        f"cnn-{memory}",
        f"CNN and {memory.upper()} over slices or frames",
        _WHOLE,
        (3,),
        f"A small residual network sees every slice or frame, and a {memory.upper()} reads them in order. For films, "
        "and for volumes with thick slices.",
        partial(_plan_cnn_rnn, memory=memory),
        source,
        _MEMORY_ARGUMENTS,
    )


FAMILIES = (
    RecipeFamily(
        "vit",
        "Vision transformer (small)",
        _WHOLE,
        (2, 3),
        "Attention between patches, without convolutions. Wants tens of thousands of images, or weights to start from.",
        _plan_vit,
        "Dosovitskiy 2021, An image is worth 16x16 words",
        {
            "patch_size": "side of the patches along each axis; the image's size is a multiple of it",
            "hidden_size": "features of a patch; a multiple of num_heads",
            "num_layers": "rounds of attention",
            "num_heads": "attentions beside each other in a round",
        },
    ),
    RecipeFamily(
        "multi-view",
        "Multi-view 2.5D",
        _WHOLE,
        (3,),
        "One network for pictures looks at slices from three directions. Quick on volumes, and good where few slices "
        "tell it all.",
        _plan_multi_view,
        "Roth 2014, A new 2.5D representation for lymph node detection; Su 2015, Multi-view CNNs",
        {
            "n_slices": "slices in each direction",
            "neighbours": "slices on either side that are seen with each",
            "size": "side to which slices are brought",
            "pooling": "max or mean over the slices of a direction",
        },
    ),
    RecipeFamily(
        "acs-resnet18",
        "ResNet-18 with ACS convolutions",
        _WHOLE,
        (3,),
        "The residual network of flat pictures with its kernels laid into three planes: volumes with the weights of "
        "a 2D network, which --init takes over.",
        _plan_acs,
        "Yang 2021, Reinventing 2D convolutions for 3D images",
        {
            "layers": "blocks of each stage",
            "channels": "channels of each stage",
            "stem_stride": "of the first convolution; 1 keeps small volumes large, at eight times the work",
        },
    ),
    _cnn_rnn("gru", "Cho 2014, Learning phrase representations using RNN encoder-decoder; Donahue 2015"),
    _cnn_rnn("lstm", "Hochreiter 1997, Long short-term memory; Donahue 2015"),
    RecipeFamily(
        "region-graph",
        "Graph of image regions",
        _WHOLE,
        (2, 3),
        "Superpixels are nodes, touching ones talk: for images whose parts and neighbourhoods matter more than their "
        "place. Slower than its size suggests, as regions are cut anew for every image.",
        _plan_region_graph,
        "Achanta 2012, SLIC superpixels; Hamilton 2017, GraphSAGE; Knyazev 2019, Image classification with "
        "hierarchical multigraph networks",
        {
            "n_regions": "superpixels of an image, about",
            "compactness": "how much nearness counts beside likeness; higher makes squarer regions",
            "hidden": "features of a region after each round",
        },
    ),
)

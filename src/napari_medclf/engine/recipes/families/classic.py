"""Models without deep learning: features that are counted, and a head that scikit-learn fits in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from napari_medclf.domain.card import NetworkSpec, Task
from napari_medclf.domain.recipe import Recipe
from napari_medclf.engine.recipes.classic import CLASSIC, PIXEL_FOREST
from napari_medclf.engine.recipes.family import RecipeFamily
from napari_medclf.engine.recipes.inputs import patches, whole_image
from napari_medclf.engine.recipes.look import DataLook
from napari_medclf.engine.recipes.outputs import n_outputs

_PATCHES = 24
_BOTH = (Task.CLASSIFY, Task.REGRESS)
_FEATURES = {
    "features": "kinds of feature that are counted: first order, glcm, lbp, hog, shape, pixels",
}


@dataclass(frozen=True)
class _Kind:
    """A kind of classic model, with its settings; a list is tried value by value, and validation chooses."""

    kind: str
    title: str
    summary: str
    source: str
    settings: dict[str, Any]
    arguments: dict[str, str]
    tasks: tuple[Task, ...] = _BOTH


_KINDS = {
    "logistic": _Kind(
        "linear",
        "Logistic regression",
        "A weighted sum of the features: the first thing to try, in a second. For numbers, ridge regression.",
        "Cox 1958; Hoerl 1970",
        {"strength": [0.001, 0.01, 0.1, 1.0]},
        {"strength": "how freely the weights move (scikit-learn's C)"},
    ),
    "svm": _Kind(
        "svm",
        "Support vector machine",
        "A smooth boundary between classes, often the best of the classic models on some thousand images.",
        "Cortes 1995; Platt 1999",
        {"strength": [1.0, 10.0]},
        {"strength": "how much a wrong training case costs (scikit-learn's C)"},
        (Task.CLASSIFY,),
    ),
    "tree": _Kind(
        "tree",
        "Decision tree",
        "A few questions one after the other: seldom good, but every decision can be told.",
        "Breiman 1984",
        {"smallest_leaf": [10, 30]},
        {"smallest_leaf": "cases that an answer rests on, at least"},
    ),
    "forest": _Kind(
        "forest",
        "Random forest",
        "Hundreds of trees vote: needs no choosing, and bears useless features.",
        "Breiman 2001",
        {"n_trees": 200, "smallest_leaf": 2},
        {"n_trees": "trees that vote", "smallest_leaf": "cases in a leaf, at least"},
    ),
    "boosting": _Kind(
        "boosting",
        "Gradient boosting",
        "Small trees, each a step towards what the ones before it missed.",
        "Friedman 2001; Ke 2017",
        {"n_rounds": 100, "rate": 0.1, "n_leaves": 15},
        {"n_rounds": "trees a class", "rate": "length of a step", "n_leaves": "leaves of a tree, at most"},
    ),
    "knn": _Kind(
        "knn",
        "k nearest neighbours",
        "The most similar training images vote: nothing is learned, and the similar cases can be shown.",
        "Cover 1967",
        {"n_neighbours": [5, 15, 31]},
        {"n_neighbours": "cases that vote"},
    ),
}


def _plan(kind: _Kind, *, is_deep: bool) -> Callable[[DataLook], Recipe]:
    def plan(look: DataLook) -> Recipe:
        spec = whole_image(look)
        arguments: dict[str, Any] = {
            "kind": kind.kind,
            "spatial_dims": spec.spatial_dims,
            "in_channels": len(spec.channels),
            "out_channels": n_outputs(look.task, look.schema),
            **kind.settings,
        }
        if is_deep:
            arguments["encoder"] = None
        else:
            arguments["features"] = ["first order", "glcm", "lbp", "hog", "shape", "pixels"]
        return Recipe(network=NetworkSpec(target=CLASSIC, arguments=arguments), input=spec, epochs=1)

    return plan


def _family(name: str, kind: _Kind) -> RecipeFamily:
    return RecipeFamily(
        name,
        kind.title,
        kind.tasks,
        (2, 3),
        f"{kind.summary} On intensity, texture (GLCM, LBP, HOG), form and coarse pixels.",
        _plan(kind, is_deep=False),
        kind.source,
        kind.arguments | _FEATURES,
    )


def _family_on_embeddings(name: str, kind: _Kind) -> RecipeFamily:
    return RecipeFamily(
        f"{name}-deep",
        f"{kind.title} on frozen embeddings",
        kind.tasks,
        (2, 3),
        f"{kind.summary} On what an installed model (--init) sees, which is not changed.",
        _plan(kind, is_deep=True),
        kind.source,
        kind.arguments,
    )


def _plan_pixel_forest(look: DataLook) -> Recipe:
    spec = patches(look, 1)
    arguments = {
        "spatial_dims": spec.spatial_dims,
        "in_channels": len(spec.channels),
        "out_channels": n_outputs(look.task, look.schema),
        "scales_vox": [1, 2, 4, 8] if spec.spatial_dims == 2 else [1, 2, 4],
        "n_trees": 40,
        "smallest_leaf": 5,
        "deepest": 14,
        "n_samples": 60_000,
        "prior": [0.25, 0.5, 0.75, 1.0],
    }
    network = NetworkSpec(target=PIXEL_FOREST, arguments=arguments)
    return Recipe(network=network, input=spec, epochs=1, samples_per_epoch=max(look.n_train, _PATCHES), batch=1)


_OF_PIXEL_FOREST = RecipeFamily(
    "pixel-forest",
    "Random forest on voxels",
    (Task.SEGMENT,),
    (2, 3),
    "Trees vote on every voxel by brightness, edges, blobs and ridges around it: seconds to train, from few images.",
    _plan_pixel_forest,
    "Breiman 2001; Arganda-Carreras 2017",
    {
        "scales_vox": "how far a voxel sees, in standard deviations of a Gaussian",
        "n_trees": "trees that vote",
        "smallest_leaf": "voxels in a leaf, at least",
        "deepest": "questions to an answer, at most",
        "n_samples": "voxels that are learned from",
        "prior": "how much rare classes are held back, from 0 (not) to 1 (as rare as they are)",
    },
)

FAMILIES = (
    *(_family(name, kind) for name, kind in _KINDS.items()),
    *(_family_on_embeddings(name, kind) for name, kind in _KINDS.items()),
    _OF_PIXEL_FOREST,
)

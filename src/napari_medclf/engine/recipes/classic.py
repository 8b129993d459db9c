"""How cards name classic models, and how one is put onto a network that is there already."""

from __future__ import annotations

from napari_medclf.domain.card import ModelCard, NetworkSpec
from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.domain.input_spec import InputSpec
from napari_medclf.domain.recipe import Recipe

CLASSIC = "napari_medclf.engine.nets.ClassicClassifier"
PIXEL_FOREST = "napari_medclf.engine.nets.PixelForest"
_ENCODER = "encoder"


def is_classic(network: NetworkSpec) -> bool:
    """Whether a network is fitted by scikit-learn, in seconds."""
    return network.target in (CLASSIC, PIXEL_FOREST)


def on_embeddings(recipe: Recipe, start: ModelCard) -> Recipe:
    """Let a classic recipe see what a trained network sees.

    Parameters
    ----------
    recipe : Recipe
        Of a family that ends in ``-deep``, planned from the data.
    start : ModelCard
        Of the model whose network is taken; channels and intensities are those that it knows.

    Raises
    ------
    OptionError
        If the recipe has no place for a network.
    CardError
        If the network sees pictures and the data are volumes, or the reverse.
    """
    arguments = recipe.network.arguments
    if recipe.network.target != CLASSIC or _ENCODER not in arguments:
        raise OptionError(
            f"The recipe {recipe.family} starts from no model. Take {recipe.family}-deep, or leave --init out."
        )
    if start.input.spatial_dims != recipe.input.spatial_dims:
        raise CardError(
            f"{start.name} sees images of {start.input.spatial_dims} dimensions, and these have "
            f"{recipe.input.spatial_dims}. Choose another model with --init."
        )
    spec = _whole_input(start.input, recipe.input)
    changed = {_ENCODER: start.network.model_dump(mode="json"), "in_channels": len(spec.channels)}
    network = recipe.network.model_copy(update={"arguments": {**arguments, **changed}})
    return recipe.model_copy(update={"network": network, "input": spec})


def _whole_input(known: InputSpec, planned: InputSpec) -> InputSpec:
    """What the network knows, at one size for the whole image."""
    if known.resize_to is not None:
        return known
    assert planned.resize_to is not None
    step = known.divisible_by
    sizes = tuple(max(-(-size // step), 2) * step for size in planned.resize_to)
    return known.model_copy(update={"resize_to": sizes, "patch_vox": sizes, "spacing_mm": None})

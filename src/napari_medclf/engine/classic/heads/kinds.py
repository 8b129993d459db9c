"""The kinds of classic model by name: how each is fitted, with which settings, and how it is built again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import Any

from torch import nn

from napari_medclf.domain.errors import CardError, unknown_choice
from napari_medclf.engine.classic.heads.boosting import fit_boosting
from napari_medclf.engine.classic.heads.linear import LinearHead, fit_linear
from napari_medclf.engine.classic.heads.neighbours import NeighboursHead, fit_neighbours
from napari_medclf.engine.classic.heads.problem import Aim
from napari_medclf.engine.classic.heads.svm import SvmHead, fit_svm
from napari_medclf.engine.classic.heads.trees import TreesHead, fit_forest, fit_tree


@dataclass(frozen=True)
class Kind:
    """A kind of classic model.

    Parameters
    ----------
    build : callable
        From the numbers of features and outputs, the aim and the sizes that `fit` found, to the module.
    fit : callable
        From a `Problem` and one value of each setting to the module.
    settings : dict
        Name to value; of a list, each is tried, and the best on validation is kept.
    most_cases : int
        It learns from so many cases at most, as its time grows with their square or it keeps them all.
    """

    build: Callable[..., nn.Module]
    fit: Callable[..., nn.Module]
    settings: Mapping[str, Any]
    most_cases: int = 200_000
    can_estimate_numbers: bool = True


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "linear": Kind(LinearHead, fit_linear, {"strength": [0.001, 0.01, 0.1, 1.0]}),
        "knn": Kind(NeighboursHead, fit_neighbours, {"n_neighbours": [5, 15, 31]}, most_cases=20_000),
        "tree": Kind(TreesHead, fit_tree, {"smallest_leaf": [10, 30]}),
        "forest": Kind(TreesHead, fit_forest, {"n_trees": 200, "smallest_leaf": 2}),
        "boosting": Kind(TreesHead, fit_boosting, {"n_rounds": 100, "rate": 0.1, "n_leaves": 15}),
        "svm": Kind(SvmHead, fit_svm, {"strength": [1.0, 10.0]}, most_cases=6_000, can_estimate_numbers=False),
    }
)


def kind_named(name: str) -> Kind:
    """Find a kind.

    Raises
    ------
    CardError
        If there is none of that name; the message lists them.
    """
    if name not in KINDS:
        raise CardError(unknown_choice("kind of classic model", name, KINDS))
    return KINDS[name]


def candidates(name: str, settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    """List the settings to try: every combination of the values that are lists.

    Raises
    ------
    CardError
        If a setting is not one of that kind.
    """
    known = kind_named(name).settings
    strange = [key for key in settings if key not in known]
    if strange:
        raise CardError(unknown_choice(f"setting of the model {name!r}", strange[0], known))
    merged = {**known, **settings}
    lists = [value if isinstance(value, list) else [value] for value in merged.values()]
    return [dict(zip(merged, values, strict=True)) for values in product(*lists)]


def build_head(name: str, n_features: int, n_outputs: int, aim: Aim, sizes: Mapping[str, Any]) -> nn.Module:
    """Make an empty head, to be filled with what was fitted."""
    return kind_named(name).build(n_features, n_outputs, aim, **sizes)

"""Ensembles as a kind of model."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.backends.ensemble.file import (
    ENSEMBLE,
    check_nesting,
    find_member,
    looks_like_ensemble,
    read_ensemble,
)
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_DEFAULT_SETTINGS = LoadSettings()


class EnsembleBackend:
    """See `domain.backend.Backend`.

    The members are models of any kind, each with its own backend and its own trust.
    """

    name = "ensemble"
    title = "ensemble of models (ensemble.json)"

    def unavailable_because(self) -> str:
        """Nothing is needed but what the members need."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether a file, or the folder's ``ensemble.json``, lists members."""
        return looks_like_ensemble(_list_of(path))

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read the card in the list; a given one stands in for it."""
        listed = _list_of(path)
        content = read_ensemble(listed)
        chosen = (card or content.card).model_copy(update={"backend": self.name})
        return ModelPackage(chosen, listed.parent, files=(listed,))

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Load the members, or only look at them where they do not fit into the memory together."""
        from napari_medclf.backends.ensemble.predictor import load_ensemble

        check_nesting(package.files[0])
        content = read_ensemble(package.files[0])
        members = [(find_member(one, package.folder), one.weight) for one in content.members]
        return load_ensemble(package, content.combine, members, settings)


def _list_of(path: Path) -> Path:
    return path / ENSEMBLE if path.is_dir() else path

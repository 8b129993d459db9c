"""The door for nnU-Net v2."""

from __future__ import annotations

from pathlib import Path

from napari_medclf.backends.nnunet.result_folder import find_result, is_result
from napari_medclf.domain.backend import Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings

_DEFAULT_SETTINGS = LoadSettings()


class NnunetBackend:
    """See `domain.backend.Backend`."""

    name = "nnunet"
    title = "nnU-Net v2 result folder"

    def unavailable_because(self) -> str:
        """Nothing beyond this program's own dependencies is needed."""
        return ""

    def recognises(self, path: Path) -> bool:
        """Whether the folder, or one just below it, has plans, a dataset.json and a checkpoint."""
        return is_result(path)

    def read(self, path: Path, card: ModelCard | None = None) -> ModelPackage:
        """Read plans and dataset; weights are not read.

        Parameters
        ----------
        card : ModelCard or None
            Its words (name, licence, limits ...) replace ours, and of its network's arguments ``configuration``,
            ``checkpoint`` and ``folds`` choose what is run; the rest is always as the plans say.
        """
        from napari_medclf.backends.nnunet.make_card import make_card
        from napari_medclf.backends.nnunet.plans import read_json, read_plans

        wanted = {} if card is None else card.network.arguments
        folds = wanted.get("folds", ())
        if isinstance(folds, str) or not all(isinstance(one, str) for one in folds):
            raise CardError(f"{path}: the card's folds {folds!r} are no list of names such as 'fold_0'.")
        result = find_result(path, str(wanted.get("checkpoint", "")), tuple(folds))
        plans = read_plans(result.path / "plans.json", str(wanted.get("configuration", "")) or result.configuration)
        own = make_card(result, plans, read_json(result.path / "dataset.json"))
        return ModelPackage(own if card is None else _with_words_of(card, own), result.path)

    def load(self, package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
        """Rebuild the network from the plans, fill it with every fold's weights."""
        from napari_medclf.backends.nnunet.load import load

        return load(package, settings)


def _with_words_of(card: ModelCard, own: ModelCard) -> ModelCard:
    kept = {"task", "input", "network", "backend"}
    words = {name: getattr(card, name) for name in type(card).model_fields if name not in kept}
    output = own.output.model_copy(
        update={"mirror_axes": card.output.mirror_axes, "min_object_vox": card.output.min_object_vox}
    )
    is_same = card.output.schema_.values == own.output.schema_.values
    schema = card.output.schema_ if is_same else own.output.schema_
    return own.model_copy(update={**words, "output": output.model_copy(update={"schema_": schema})})

"""An ensemble that is loaded: every member answers, and the answers become one."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from napari_medclf.backends.ensemble.members import Member, are_alike, check_members, fit_together
from napari_medclf.domain.card import Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.events import Job
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.results import Prediction, Segmentation, UncertaintyMap
from napari_medclf.domain.run_settings import LoadSettings, RunSettings

_DEFAULT_SETTINGS = RunSettings()


def load_ensemble(
    package: ModelPackage, combine: str, members: Sequence[tuple[ModelPackage, float]], settings: LoadSettings
) -> LoadedEnsemble:
    """Load the members together, or one at a time where the memory is not enough.

    Raises
    ------
    CardError
        If a member is damaged, not trusted, or does another task than the others.
    BackendUnavailable
        If a package or a device is missing.
    """
    check_members(package.card, [one for one, _ in members])
    is_kept = fit_together([one for one, _ in members])
    found = tuple(Member(one, weight, settings, is_kept=is_kept) for one, weight in members)
    for one in found:
        one.load()  # a member that cannot be loaded is told now, not after the others have run
    return LoadedEnsemble(package, combine, found, is_kept=is_kept)


@dataclass(frozen=True, eq=False)
class LoadedEnsemble:
    """See `domain.backend.Predictor`; made by `load_ensemble`."""

    package: ModelPackage
    combine: str
    members: tuple[Member, ...]
    is_kept: bool = True

    @property
    def place(self) -> str:
        """Where the members compute."""
        return self.members[0].place

    def predict(self, image: MedImage, settings: RunSettings = _DEFAULT_SETTINGS) -> Job[Prediction]:
        """Run the members on one image and combine what they say.

        Raises
        ------
        CardError
            If the image cannot be fed to a member, or the members' answers cannot be combined.
        MedclfError
            If a member's answer is not usable.
        """
        started = time.perf_counter()
        prediction = yield from self._predict(image, settings)
        notes = () if self.is_kept else ("The members do not fit into the memory together; each was loaded in turn.",)
        return replace(
            prediction,
            model=self.package.card.name,
            model_version=self.package.card.version,
            image_name=image.name,
            warnings=tuple(dict.fromkeys((*prediction.warnings, *notes))),
            place=self.place,
            weights_sha256=self.package.card.weights_sha256,
            elapsed_s=time.perf_counter() - started,
        )

    def _predict(self, image: MedImage, settings: RunSettings) -> Job[Prediction]:
        task = self.package.card.task
        if task.is_of_whole_image or task is Task.DETECT:
            return (yield from self._by_answers(image, settings))
        is_shared = self.is_kept and are_alike(self.members) and self.combine != "vote"
        if task is Task.INSTANCES and not is_shared:
            raise CardError(
                f"{self.package.name}: objects can be combined only by the mean of networks with the same input; "
                "numbers of objects cannot be voted on."
            )
        if is_shared and not settings.is_uncertainty_wanted:
            return (yield from self._as_one(image, settings))
        if task is Task.INSTANCES:
            return (yield from self._as_one(image, replace(settings, is_uncertainty_wanted=False)))
        if self.combine == "vote" or not all(one.is_ours for one in self.members):
            return (yield from self._by_answers(image, settings))
        return (yield from self._by_probabilities(image, settings))

    def _as_one(self, image: MedImage, settings: RunSettings) -> Job[Prediction]:
        """All members on each window: one preparation, one walk, one way home."""
        from napari_medclf.engine.ensemble.network import MeanNetwork, count_probabilities, mean_card
        from napari_medclf.engine.model import LoadedModel

        loaded = [one.load_ours() for one in self.members]
        first = loaded[0]
        networks = [(one.network, one.card.output) for one in loaded]
        weights = [one.weight for one in self.members]
        network = MeanNetwork(networks, weights, count_probabilities(first.card))
        package = replace(self.package, card=mean_card(self.package.card, first.card))
        return (yield from LoadedModel(package, network, first.device, first.place).predict(image, settings))

    def _by_probabilities(self, image: MedImage, settings: RunSettings) -> Job[Prediction]:
        """Members one after the other; their probabilities meet on the image's grid."""
        from napari_medclf.engine.contract.check import check_contract
        from napari_medclf.engine.ensemble.one_by_one import mean_of_members

        card = self.package.card
        turns = [(one.load_ours, one.weight) for one in self.members]
        answer = yield from mean_of_members(image, turns, card, settings)
        violations = check_contract(image, card)
        doubt = None if answer.doubt is None else UncertaintyMap(answer.doubt, image.geometry, "disagreement")
        segmentation = Segmentation(
            answer.labels, image.geometry, card.schema_, source_digest=image.source.digest, name=card.name
        )
        return Prediction(
            card.name,
            card.version,
            image.name,
            segmentation=segmentation,
            uncertainty=doubt,
            warnings=(*(one.sentence for one in violations), *answer.warnings),
            violations=violations,
        )

    def _by_answers(self, image: MedImage, settings: RunSettings) -> Job[Prediction]:
        """Whole answers, as each member gives them."""
        from napari_medclf.backends.ensemble.combine import combine_answers

        answers = []
        for one in self.members:
            member_settings = replace(settings, is_uncertainty_wanted=False)
            answers.append((yield from one.load().predict(image, member_settings)))
        weights = [one.weight for one in self.members]
        return combine_answers(
            answers, weights, self.package.card, self.combine, is_doubt_wanted=settings.is_uncertainty_wanted
        )

"""Make an ensemble of models that are here: a list of its members, installed under a name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.options import check_options, option

if TYPE_CHECKING:
    from napari_medclf.backends.ensemble.file import MemberEntry
    from napari_medclf.domain.card import ModelCard
    from napari_medclf.domain.package import ModelPackage

COMBINE = ("mean", "vote", "weighted")


@dataclass(frozen=True)
class EnsembleOptions:
    """Which models answer together, and how."""

    name: str = option(help="name of the ensemble", positional=True)
    members: tuple[str, ...] = option(
        (), help="names of two models or more, or their files or folders, with commas between"
    )
    combine: str = option(
        "mean", help="mean or weighted mean of the probabilities, or the vote of most members", choices=COMBINE
    )
    weights: tuple[float, ...] = option((), help="for weighted: a positive number for each member")

    def __post_init__(self) -> None:
        check_options(self)
        if len(self.members) < 2:
            raise OptionError("An ensemble needs two members or more: --members FIRST,SECOND")
        if (self.combine == "weighted") != bool(self.weights):
            raise OptionError("--weights and --combine weighted belong together.")
        if self.weights and (len(self.weights) != len(self.members) or min(self.weights) <= 0):
            raise OptionError(f"{len(self.members)} members need as many positive weights, not {list(self.weights)}.")


def make_ensemble(options: EnsembleOptions) -> Job[ModelPackage]:
    """List the members in a folder of the catalogue; nothing of theirs is copied.

    Raises
    ------
    CardError
        If a member is not there, or does another task or knows other classes than the first; or the name is taken.
    WriteError
        If the list cannot be written.
    """
    from napari_medclf.backends.ensemble.file import ENSEMBLE, EnsembleFile, digest_of, write_ensemble
    from napari_medclf.backends.ensemble.members import check_members
    from napari_medclf.domain.card import Task
    from napari_medclf.domain.package import ModelPackage
    from napari_medclf.jobs.models import find_model
    from napari_medclf.store.catalogue import Catalogue
    from napari_medclf.store.sidecar import write_sidecar

    packages: list[ModelPackage] = []
    for position, name in enumerate(options.members):
        yield Progress(position, len(options.members), f"reading {name}")
        packages.append(find_model(name))
    catalogue = Catalogue()
    if catalogue.named(options.name) is not None:
        raise CardError(f"There is a model {options.name!r} already; choose another name, or remove that one.")
    digests = [digest_of(one) for one in packages]
    card = _card(options, packages, digests)
    if card.task is Task.INSTANCES and options.combine == "vote":
        raise CardError("Objects cannot be voted on, for each member numbers its own. Choose --combine mean.")
    check_members(card, packages)
    entries = tuple(_entries(options, packages, digests, catalogue.named))
    folder = catalogue.models_folder / card.name
    content = EnsembleFile.model_validate({"card": card, "combine": options.combine, "members": entries})
    write_ensemble(content, folder / ENSEMBLE)
    made = ModelPackage(card, folder, files=(folder / ENSEMBLE,))
    write_sidecar(made, folder)
    return made


def _card(options: EnsembleOptions, packages: Sequence[ModelPackage], digests: Sequence[str]) -> ModelCard:
    from pydantic import ValidationError

    from napari_medclf.domain.card import ModelCard, NetworkSpec

    first = packages[0].card
    names = ", ".join(one.name for one in packages)
    changes = {
        "name": options.name,
        "version": "1",
        "title": f"{first.title} ({len(packages)} members)",
        "description": f"An ensemble by {options.combine} of {names}. {first.description}",
        "limits": tuple(dict.fromkeys(limit for one in packages for limit in one.card.limits)),
        "network": NetworkSpec(target="ensemble", arguments={"combine": options.combine, "members": names}),
        "licence": "; ".join(dict.fromkeys(one.card.licence for one in packages)),
        "data": tuple(dict.fromkeys(credit for one in packages for credit in one.card.data)),
        "metrics": {},
        "is_calibrated": False,
        "fingerprint": None,
        "weights_sha256": sha256("".join(digests).encode()).hexdigest(),
        "backend": "ensemble",
    }
    try:
        return ModelCard.model_validate(first.model_dump(by_alias=True) | changes)
    except ValidationError as error:
        raise CardError(f"{options.name!r} cannot be the name of a model: {error.errors()[0]['msg']}.") from error


def _entries(
    options: EnsembleOptions,
    packages: Sequence[ModelPackage],
    digests: Sequence[str],
    named: Callable[[str], ModelPackage | None],
) -> list[MemberEntry]:
    from napari_medclf.backends.ensemble.file import MemberEntry

    weights = options.weights or (1.0,) * len(packages)
    listed = []
    for given, package, digest, weight in zip(options.members, packages, digests, weights, strict=True):
        is_installed = named(given) is not None
        place = package.name if is_installed else str(Path(given).expanduser().resolve())
        listed.append(MemberEntry(model=place, sha256=digest, weight=weight))
    return listed

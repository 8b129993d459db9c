"""Find the revision that learns, and its network with its weights; a model that is new here becomes a revision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_medclf.domain.card import ModelCard, Task
from napari_medclf.domain.errors import CardError, OptionError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.revision import LearnedBy, ModelRevision
from napari_medclf.store.revisions import Revisions

if TYPE_CHECKING:
    from napari_medclf.domain.recipe import Recipe
    from napari_medclf.engine.adapt.learn import Net
    from napari_medclf.store.project import Project

CURRENT = "current"
"""Names the revision in use, in place of a model."""
_TASKS = (Task.CLASSIFY, Task.SEGMENT, Task.INSTANCES)


@dataclass(frozen=True, eq=False)
class Parent:
    """The revision that learns.

    Parameters
    ----------
    network : Net
        On the CPU, with its weights, in use.
    """

    revision: ModelRevision
    package: ModelPackage
    network: Net

    @property
    def card(self) -> ModelCard:
        """The contract of its model."""
        return self.package.card


def find_parent(project: Project, model: str, author: str) -> Parent:
    """Find who learns: the revision in use, where it goes back to the model that is named.

    Parameters
    ----------
    model : str
        Name or folder of a model, id of a revision, or ``current``.

    Raises
    ------
    OptionError
        If there is no revision yet and no model is named, or it does another thing than the project teaches.
    CardError
        If the model cannot be read, or its kind cannot learn here.
    """
    revisions = Revisions(project.folder)
    current = revisions.current()
    if model in ("", CURRENT):
        if current is None:
            raise OptionError(f"{project.folder}: has no model yet; name the one that shall learn.")
        return _loaded(revisions, current)
    known = {one.revision_id: one for one in revisions.models()}
    if model in known:
        return _loaded(revisions, known[model])
    from napari_medclf.jobs.models import find_model

    package = find_model(model)
    if current is not None and _root_of(current, known).weights_sha256 == package.card.weights_sha256:
        return _loaded(revisions, current)
    same = [one for one in known.values() if one.weights_sha256 == package.card.weights_sha256]
    return _loaded(revisions, same[-1]) if same else _bring_in(project, revisions, package, author)


def recipe_of(package: ModelPackage) -> Recipe:
    """Take the recipe that a model was trained by, or one that changes images a little."""
    from napari_medclf.domain.recipe import AugmentSettings, Recipe
    from napari_medclf.store.bundle import read_run_spec

    fields: Mapping[str, Any] = {}
    try:
        fields = read_run_spec(package).options.get("fixed", {}).get("recipe", {})
        found = Recipe.model_validate(fields) if fields else None
    except (CardError, ValueError, AttributeError):  # made by another program
        found = None
    if found is not None:
        return found
    gentle = AugmentSettings(gain=0.1, bias=0.05, gamma=0.1)
    return Recipe(network=package.card.network, input=package.card.input, augment=gentle, batch=2)


def _root_of(revision: ModelRevision, known: Mapping[str, ModelRevision]) -> ModelRevision:
    while revision.parent_id in known:
        revision = known[revision.parent_id]
    return revision


def _loaded(revisions: Revisions, revision: ModelRevision) -> Parent:
    from napari_medclf.engine.networks import build_network
    from napari_medclf.engine.weights import load_weights

    package = revisions.package(revision)
    network = build_network(package.card.network)
    load_weights(package, network)
    return Parent(revision, package, network.eval().requires_grad_(False))


def _bring_in(project: Project, revisions: Revisions, package: ModelPackage, author: str) -> Parent:
    """Keep a model as it is as a project's revision; the first one is in use from then on."""
    _check_task(project, package)
    write, sha256 = _writer(package)
    draft = ModelRevision(
        revision_id="", learned_by=LearnedBy.IMPORT, package="", weights_sha256=sha256, author=author, created=""
    )
    revision = revisions.add(draft, write)
    if revisions.current() is None:
        revisions.use(revision, "import", author)
    return _loaded(revisions, revision)


def _check_task(project: Project, package: ModelPackage) -> None:
    task, known = project.info.task, package.card.schema_
    if task not in _TASKS or package.card.task is not task:
        raise OptionError(f"{package.name} is made to {package.card.task}; {project.folder} holds answers to {task}.")
    missing = [one.name for one in project.info.classes.foreground if one.name not in known.names]
    if missing:
        raise OptionError(f"{package.name} does not know the class {missing[0]!r} of {project.folder}.")


def _writer(package: ModelPackage) -> tuple[Any, str]:
    """Say how a model is copied into a folder as a native package, and the digest of its weights there."""
    from napari_medclf.store.bundle import copy_package

    if package.card.backend == "native":
        return (lambda folder: copy_package(package, folder)), package.card.weights_sha256
    return _converted(package)


def _converted(package: ModelPackage) -> tuple[Any, str]:
    """Make a native package of another program's model, where its network is one that can be built here."""
    import hashlib

    from safetensors.torch import save

    from napari_medclf.domain.run import RunSpec
    from napari_medclf.store.bundle import write_package

    card = package.card.model_copy(update={"backend": "native", "fingerprint": None})
    weights = save(_foreign_state(package, card))

    def write(folder: Path) -> ModelPackage:
        spec = RunSpec(command="adapt", options={"from": package.card.backend})
        return write_package(folder, card, weights, spec, f"Licence of this model: {card.licence}.\n", replace=False)

    return write, hashlib.sha256(weights).hexdigest()


def _foreign_state(package: ModelPackage, card: ModelCard) -> dict[str, Any]:
    from napari_medclf.backends.registry import load
    from napari_medclf.domain.run_settings import LoadSettings
    from napari_medclf.engine.networks import build_network
    from napari_medclf.engine.weights import fill

    refusal = f"{package.name} came as {card.backend}, and its network cannot be built here, so that it cannot learn."
    network = getattr(load(package, LoadSettings("cpu", "float32", "torch")), "network", None)
    state: dict[str, Any] = getattr(network, "state_dict", dict)()
    try:
        fill(build_network(card.network), state, package.name)
    except CardError as error:
        raise CardError(f"{refusal} {error}") from error
    return {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}

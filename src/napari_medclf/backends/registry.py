"""Find the backend for a model file, and load models with a person's trust."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from itertools import islice
from pathlib import Path

from napari_medclf.domain.backend import Backend, Predictor
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import BackendUnavailable, CardError, unknown_choice
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.run_settings import LoadSettings
from napari_medclf.domain.trust import Trust

_GROUP = "napari_medclf.backends"
_NATIVE = "native"
# Asked after all others of ours: it takes any file of weights, and another may know what they are.
_LAST = "state_dict"
_DEFAULT_SETTINGS = LoadSettings()
_MOST_LOOKED_AT, _MOST_NAMED = 50, 3


@cache
def list_backends() -> tuple[Backend, ...]:
    """List the installed backends, ours first, then those of extensions by name.

    An extension that cannot be imported is left out; `list_broken` says why.
    """
    return _load_all()[0]


def list_broken() -> tuple[str, ...]:
    """Say in sentences which extensions could not be imported."""
    return _load_all()[1]


def find_backend(name: str) -> Backend:
    """Find a backend by the name that cards write.

    Raises
    ------
    CardError
        If there is none.
    """
    for one in list_backends():
        if one.name == name:
            return one
    raise CardError(unknown_choice("backend", name, [one.name for one in list_backends()]))


def open_model(path: Path, card: ModelCard | None = None) -> ModelPackage:
    """Read what a model of any kind says about itself, without reading weights or running anything.

    Parameters
    ----------
    card : ModelCard or None
        What a person says about it; its `backend` chooses the backend where it is not ``native``. None takes the card
        of a ``medclf.json`` beside it, where there is one.

    Raises
    ------
    CardError
        If there is nothing, no backend knows it, or it is damaged.
    """
    from napari_medclf.store.sidecar import card_beside

    if not path.exists():
        raise CardError(f"{path}: does not exist.")
    card = card or card_beside(path)
    for place in _places(path):
        for one in list_backends():
            is_wanted = card is None or card.backend in ("native", one.name)
            if is_wanted and one.recognises(place):
                return one.read(place, card)
    if card is not None and card.backend != _NATIVE:
        kind = find_backend(card.backend).title
        raise CardError(f"{path}: its card says that it is of the kind {kind!r}, and its content is not.")
    raise CardError(_say_unknown(path))


def _say_unknown(path: Path) -> str:
    """Say what a folder lacks to be a model, or what models there are."""
    weights = [one for one in _inside(path) if one.is_file() and _is_known(one)]
    if weights:
        return (
            f"{path}: holds weights ({_named(weights)}), and nothing that says what they take and answer. Put a "
            f"medclf.json with a card beside them, or name them with a card: `medclf models install "
            f"{path / weights[0].name} --card CARD.json`."
        )
    folders = [one for one in _inside(path) if one.is_dir() and (_is_known(one) or any(map(_is_known, _inside(one))))]
    if folders:
        return f"{path}: is no model itself, but its folders {_named(folders)} may be. Choose one of them."
    kinds = "; ".join(one.title for one in list_backends())
    return f"{path}: is no model that this program knows. Known are: {kinds}."


def _inside(path: Path) -> list[Path]:
    try:
        return sorted(islice(path.iterdir(), _MOST_LOOKED_AT)) if path.is_dir() else []
    except OSError:
        return []


def _is_known(path: Path) -> bool:
    return any(one.recognises(path) for one in list_backends())


def _named(paths: Sequence[Path]) -> str:
    more = f" and {len(paths) - _MOST_NAMED} more" if len(paths) > _MOST_NAMED else ""
    return ", ".join(one.name for one in paths[:_MOST_NAMED]) + more


def load(package: ModelPackage, settings: LoadSettings = _DEFAULT_SETTINGS) -> Predictor:
    """Load a model with the backend of its card.

    Raises
    ------
    CardError
        If it is damaged, or would run code that nobody has trusted; the sentence says how to look at it.
    BackendUnavailable
        If a package or a device is missing.
    """
    from napari_medclf.store.trust import check_trust

    backend = find_backend(package.card.backend)
    reason = backend.unavailable_because()
    if reason:
        raise BackendUnavailable(reason)
    package = _read_again(package)
    check_trust(package)
    return backend.load(package, settings)


def what_would_run(package: ModelPackage) -> Trust | None:
    """Ask a model's files what of them would run; what was written down about them earlier is not believed.

    Raises
    ------
    CardError
        If its backend does not know the files any more.
    """
    return _read_again(package).trust


def _read_again(package: ModelPackage) -> ModelPackage:
    """Let the backend check the card against the files, and say what would run."""
    backend = find_backend(package.card.backend)
    if backend.name == _NATIVE:
        return replace(package, trust=None)
    refusal = CardError(f"{package.folder}: {package.name!r} is no {backend.title} any more; get the model again.")
    found: list[ModelPackage] = []
    for place in filter(backend.recognises, (*package.files, package.folder)):
        try:
            found.append(backend.read(place, package.card))
        except CardError as error:
            refusal = error
    if not found:
        raise refusal
    same = [one for one in found if set(one.files) == set(package.files)]
    if same:
        return replace(package, card=same[0].card, files=same[0].files, trust=same[0].trust)
    return replace(package, trust=_together([one.trust for one in found if one.trust is not None]))


def _together(trusts: Sequence[Trust]) -> Trust | None:
    if len(trusts) < 2:
        return trusts[0] if trusts else None
    digest = sha256("".join(sorted(one.sha256 for one in trusts)).encode()).hexdigest()
    return Trust(digest, tuple(line for one in trusts for line in one.what))


def _places(path: Path) -> Iterator[Path]:
    """The path, and where that is a folder with a ``medclf.json``, the files that it names, or else those beside it."""
    from napari_medclf.store.sidecar import SIDECAR, read_sidecar

    yield path
    package = read_sidecar(path) if path.is_dir() else None
    if package is not None:
        beside = (one for one in sorted(path.iterdir()) if one.is_file() and one.name != SIDECAR)
        yield from package.files or beside


@cache
def _load_all() -> tuple[tuple[Backend, ...], tuple[str, ...]]:
    ours: list[Backend] = []
    others: list[Backend] = []
    broken: list[str] = []
    for point in sorted(entry_points(group=_GROUP), key=lambda point: (point.name == _LAST, point.name)):
        try:
            backend = point.load()()
        except Exception as error:  # noqa: BLE001  (an extension must not take the program down)
            broken.append(f"The backend {point.name!r} of an extension cannot be loaded: {error}.")
            continue
        (ours if point.value.startswith("napari_medclf.") else others).append(backend)
    return (*ours, *others), tuple(broken)

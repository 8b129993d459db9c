"""A person's word that a model's code may run, remembered by the digest of that code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.trust import Trust
from napari_medclf.store.catalogue import default_user_folder

_MOST_SHOWN = 3
_MOST_CHARACTERS = 70


class NotTrusted(CardError):
    """A model whose code nobody has allowed to run.

    Parameters
    ----------
    package : ModelPackage
        With the trust that is asked for, so that a person can be shown what would run.
    """

    def __init__(self, sentence: str, package: ModelPackage) -> None:
        self.package = package
        super().__init__(sentence)

    def __reduce__(self) -> tuple[type[NotTrusted], tuple[str, ModelPackage]]:
        """Let the error cross from a worker process."""
        return (NotTrusted, (str(self), self.package))


def is_trusted(trust: Trust, user_folder: Path | None = None) -> bool:
    """Tell whether a person has allowed exactly this content to run."""
    return trust.sha256 in _read(_path(user_folder))


def remember_trust(trust: Trust, name: str, user_folder: Path | None = None) -> None:
    """Write down that a person allows this content to run, under the model's name.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    path = _path(user_folder)
    _write(path, _read(path) | {trust.sha256: name})


def forget_trust(trust: Trust, user_folder: Path | None = None) -> None:
    """Take a person's word back.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    path = _path(user_folder)
    known = {digest: name for digest, name in _read(path).items() if digest != trust.sha256}
    _write(path, known)


def check_trust(package: ModelPackage, user_folder: Path | None = None) -> None:
    """Refuse a model whose code nobody has allowed to run.

    Raises
    ------
    NotTrusted
        With what would run, and how to allow it.
    """
    trust = package.trust
    if trust is None or is_trusted(trust, user_folder):
        return
    raise NotTrusted(
        f"{package.name} would run code of its own: {_short(trust.what)}. `medclf models show` with its name or path "
        "shows all of it; if you trust whoever made it, `medclf models trust` allows it.",
        package,
    )


def _short(what: Sequence[str]) -> str:
    """Name the first few things that would run, each in a few words.

    >>> _short(["launch()", "erase()"])
    'launch(); erase()'
    """
    lines = [" ".join(line.split()) for line in what[:_MOST_SHOWN]]
    shown = [line if len(line) <= _MOST_CHARACTERS else f"{line[:_MOST_CHARACTERS]}..." for line in lines]
    n_more = len(what) - len(shown)
    return "; ".join(shown) + (f"; and {n_more} more" if n_more else "")


def _path(user_folder: Path | None) -> Path:
    return (user_folder or default_user_folder()) / "trusted.json"


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_bytes())
        return {str(digest): str(name) for digest, name in content["trusted"].items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}  # nobody's word is no word


def _write(path: Path, known: dict[str, str]) -> None:
    try:
        atomic_write(path, json.dumps({"schema_version": 1, "trusted": known}, indent=1) + "\n")
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error

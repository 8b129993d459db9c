"""The card beside a model of another kind: ``medclf.json`` says what the model's own files do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from napari_medclf.atomic import atomic_write
from napari_medclf.domain.card import ModelCard
from napari_medclf.domain.errors import CardError, WriteError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.trust import Trust

SIDECAR = "medclf.json"

_Read = TypeVar("_Read", bound=BaseModel)
_MAX_BYTES = 10_000_000
_MOST_FILES = 5_000


def _inner(name: str) -> str:
    """Take only names that stay below their folder, on every system."""
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or any(one in name for one in ("\\", ":", "\0")):
        raise ValueError(f"{name!r} does not name a file inside of the folder")
    return name


InnerName = Annotated[str, AfterValidator(_inner)]


class Sidecar(BaseModel):
    """What ``medclf.json`` holds.

    Parameters
    ----------
    files : tuple of str
        What belongs to the model, relative to the folder, with forward slashes; empty for the whole folder.
    trust : Trust or None
        What would run, as it was when the model was installed: for people to see. Before anything runs, the backend
        reads the files anew and a person's word is asked for what they hold then.
    sha256 : dict
        Name to digest of each file at the time of installing; `verify` compares them.
    source : str
        Where the model was downloaded from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1] = 1
    card: ModelCard
    files: tuple[InnerName, ...] = Field(default=(), max_length=_MOST_FILES)
    trust: Trust | None = None
    sha256: dict[InnerName, str] = Field(default_factory=dict)
    source: str = ""


def has_sidecar(folder: Path) -> bool:
    """Tell whether a folder holds a model with a card beside it."""
    return (folder / SIDECAR).is_file()


def read_sidecar(folder: Path) -> ModelPackage | None:
    """Read the model that a folder's ``medclf.json`` speaks of; None where there is no such file.

    Raises
    ------
    CardError
        If it is damaged, or names files that are missing or lie outside of the folder.
    """
    content = read_content(folder)
    if content is None:
        return None
    files = tuple(inner_path(folder, name) for name in content.files)
    return ModelPackage(content.card, folder, files=files, trust=content.trust)


def read_content(folder: Path) -> Sidecar | None:
    """Read all that ``medclf.json`` holds, without a look at the files it names; None where there is none.

    Raises
    ------
    CardError
        If it is damaged.
    """
    path = folder / SIDECAR
    return _parse(path, Sidecar) if path.is_file() else None


def card_beside(path: Path) -> ModelCard | None:
    """Find what a person said about a model's file or folder in the ``medclf.json`` with it.

    Raises
    ------
    CardError
        If there is one and it is damaged.
    """
    folder = path if path.is_dir() else path.parent
    content = read_content(folder)
    is_about = content is not None and (path.is_dir() or not content.files or path.name in content.files)
    return content.card if content is not None and is_about else None


def read_card_file(path: Path) -> ModelCard:
    """Read a card that a person wrote as JSON: the card alone, or a whole ``medclf.json``.

    Raises
    ------
    CardError
        If it is no card.
    """
    content = _json(path)
    if isinstance(content, dict) and "card" in content:
        return _parse(path, Sidecar).card
    return _parse(path, ModelCard)


def write_sidecar(
    package: ModelPackage, folder: Path, sha256: Mapping[str, str] | None = None, source: str = ""
) -> None:
    """Write ``medclf.json`` for a model whose files lie in the folder, or shall be copied there.

    Parameters
    ----------
    package : ModelPackage
        Its `files` are written relative to its own folder.

    Raises
    ------
    CardError
        If a file lies outside of the package's folder.
    WriteError
        If it cannot be written.
    """
    files = tuple(inner_name(package.folder, path) for path in package.files)
    content = Sidecar(card=package.card, files=files, trust=package.trust, sha256=dict(sha256 or {}), source=source)
    path = folder / SIDECAR
    try:
        atomic_write(path, content.model_dump_json(indent=1, by_alias=True) + "\n")
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error


def inner_path(folder: Path, name: str) -> Path:
    """Give the place of a model's file, links followed only inside of the folder.

    Raises
    ------
    CardError
        If it is missing, no regular file, or leads out.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CardError(f"{folder}: its file {name} is a link that leads out of the folder; put the file itself there.")
    if not path.is_file():
        raise CardError(f"{folder}: the file {name} of the model is missing; get the model again.")
    return path


def inner_name(folder: Path, path: Path) -> str:
    """Name a model's file relative to its folder, with forward slashes.

    Raises
    ------
    CardError
        If it lies elsewhere.
    """
    if not path.is_relative_to(folder) or not path.resolve().is_relative_to(folder.resolve()):
        raise CardError(f"{path}: lies outside of its model's folder {folder}; put all files of a model in one folder.")
    return path.relative_to(folder).as_posix()


def say_invalid(error: ValidationError, what: str) -> str:
    """Say in a few words what is wrong first with a checked value.

    >>> class Two(BaseModel):
    ...     number: int
    >>> try:
    ...     Two(number="many")
    ... except ValidationError as error:
    ...     say_invalid(error, "card")
    'not valid at number: Input should be a valid integer, unable to parse string as an integer'
    """
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or what
    return f"not valid at {where}: {first['msg'].removeprefix('Value error, ')}"


def _parse(path: Path, kind: type[_Read]) -> _Read:
    try:
        return kind.model_validate(_json(path))
    except ValidationError as error:
        raise CardError(f"{path}: the card is {say_invalid(error, 'card')}.") from error


def _json(path: Path) -> object:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CardError(f"{path}: is too large to be a model's card.")
        return json.loads(path.read_bytes())
    except OSError as error:
        raise CardError(f"{path}: cannot be read ({error.strerror or error}).") from error
    except (ValueError, RecursionError) as error:
        raise CardError(f"{path}: is not JSON ({error}).") from error

"""The list of models that can be downloaded; it comes with this program and needs no network."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_CATALOGUE = Path(__file__).with_name("catalogue.json")


class ZooFile(BaseModel):
    """One file of a model.

    Parameters
    ----------
    url : str
        Where its author publishes it; https.
    path : str
        Its name, also in a mirror: ``<mirror>/<model>/<path>``.
    n_bytes : int or None
        Its size, where that is known before the download.
    sha256, sha1 : str
        As published, in hexadecimal digits; empty where nobody publishes one. A file without SHA-256 is held to the
        one of its first download from then on.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(pattern=r"^https://")
    path: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    n_bytes: int | None = None
    sha256: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    sha1: str = Field(default="", pattern=r"^([0-9a-f]{40})?$")

    @property
    def is_archive(self) -> bool:
        """Whether it is unpacked after the download."""
        return self.path.endswith(".zip")


class ZooEntry(BaseModel):
    """One model that can be downloaded.

    Parameters
    ----------
    task : str
        One of `domain.card.Task`, or what its author made it for: ``generate``, ``register``, ``landmarks``,
        ``interactive``.
    modality : tuple of str
        DICOM codes; empty where none is said.
    backend : str
        Which backend reads it.
    runs : str
        Whether this program runs it: ``yes``; only ``with trust``, because it holds code of its own; only ``with a
        card`` that a person writes; or ``no``.
    weights_bytes : int or None
        Of the network alone, where its definition tells; the download holds more.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    version: str
    title: str
    task: str
    modality: tuple[str, ...]
    licence: str
    family: str
    backend: str
    page: str
    runs: Literal["yes", "with trust", "with a card", "with trust and a card", "no"] = "yes"
    weights_bytes: int | None = None
    files: tuple[ZooFile, ...] = Field(min_length=1)

    @property
    def is_runnable(self) -> bool:
        """Whether this program can run it at all."""
        return self.runs != "no"

    @property
    def needs_card(self) -> bool:
        """Whether a person must say about it what its files do not."""
        return self.runs.endswith("a card")

    @property
    def n_bytes(self) -> int | None:
        """Size of the download, where it is known."""
        sizes = [file.n_bytes for file in self.files if file.n_bytes is not None]
        return sum(sizes) if len(sizes) == len(self.files) else None


class Zoo(BaseModel):
    """The whole list.

    Parameters
    ----------
    date : str
        When it was put together.
    sources : tuple of str
        Where its facts are from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: Literal[1]
    date: str
    sources: tuple[str, ...]
    models: tuple[ZooEntry, ...]

    def named(self, name: str) -> ZooEntry | None:
        """Find a model by its name, ignoring case; None without one."""
        return next((one for one in self.models if one.name.casefold() == name.casefold()), None)

    def of_file(self, path: str) -> tuple[ZooEntry, ZooFile] | None:
        """Find the model that an archive with this name holds; None without one."""
        found = ((one, file) for one in self.models for file in one.files if file.is_archive and file.path == path)
        return next(found, None)


def size_text(entry: ZooEntry) -> str:
    """Say how much there is to download; with a tilde where only the size of the network is known.

    >>> size_text(read_zoo().named("totalsegmentator_total_3mm"))
    '135 MB'
    >>> size_text(read_zoo().named("spleen_ct_segmentation"))
    '~19 MB'
    """
    if entry.n_bytes is not None:
        return _megabytes(entry.n_bytes)
    return "" if entry.weights_bytes is None else f"~{_megabytes(entry.weights_bytes)}"


def _megabytes(n_bytes: int) -> str:
    if n_bytes < 1e6:
        return f"{n_bytes / 1e3:.0f} kB"
    return f"{n_bytes / 1e6:.0f} MB" if n_bytes >= 1e7 else f"{n_bytes / 1e6:.1f} MB"


@cache
def read_zoo() -> Zoo:
    """Read the list that came with this program."""
    return Zoo.model_validate_json(_CATALOGUE.read_bytes())

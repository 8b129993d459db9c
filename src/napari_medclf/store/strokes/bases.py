"""What strokes lie on: the labels that painting began with, on disk beside the strokes."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.errors import ReadError, WriteError
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.voxel_origin import OriginMap
from napari_medclf.store.strokes.moment import Moment


class BaseInfo(BaseModel):
    """What painting begins with.

    Parameters
    ----------
    shape : tuple of int
        (K, J, I) of the labels.
    dtype : str
        Their type, such as ``uint8``.
    is_empty : bool
        Nothing was there: zeros, and no file.
    is_checkpoint : bool
        Made from the strokes before it, to open faster; nobody began anew.
    model, model_version, weights_sha256 : str
        What made the labels; empty for none.
    label_digest : str
        SHA-256 of the labels where it is known (`io.digest.array_digest`).
    case_id : str
        In the project, where it is known.
    classes : LabelSchema or None
        What the values mean, so that painting can be shown again where there is no project yet.
    is_instances : bool
        Values are numbers of objects.
    name : str
        Of the labels, as the window shows it.
    """

    model_config = ConfigDict(frozen=True)

    schema_version: Literal[1] = 1
    shape: tuple[int, ...]
    dtype: str
    is_empty: bool = False
    is_checkpoint: bool = False
    model: str = ""
    model_version: str = ""
    weights_sha256: str = ""
    label_digest: str = ""
    case_id: str = ""
    classes: LabelSchema | None = None
    is_instances: bool = False
    name: str = ""


class BaseEntry(BaseModel):
    """A record of the journal: from here on strokes lie on these labels."""

    model_config = ConfigDict(frozen=True)

    base_id: str
    info: BaseInfo
    seen: dict[str, int]
    """Records that the labels hold already: writer to his last one."""


@dataclass(frozen=True)
class JournalledBase:
    """A base with its place in history."""

    moment: Moment
    entry: BaseEntry


@dataclass(frozen=True, eq=False)
class BaseLabels:
    """The arrays of a base: (K, J, I) labels, origins, and the model's own answer."""

    labels: NDArray[Any]
    origin: OriginMap | None = None
    model_labels: NDArray[Any] | None = None


def write_base(path: Path, base: BaseLabels) -> None:
    """Write the arrays in one step.

    Raises
    ------
    WriteError
        If they cannot be written.
    """
    parts: dict[str, LabelArray | None] = {
        "labels": base.labels,
        "origin": base.origin,
        "model_labels": base.model_labels,
    }
    if base.model_labels is base.labels:  # the usual case, written once
        parts["model_labels"], parts["model_is_same"] = None, np.ones(1, np.uint8)
    try:
        with atomic_writer(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed:
            for name, array in parts.items():
                if array is not None:
                    with packed.open(f"{name}.npy", "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.ascontiguousarray(array), allow_pickle=False)
    except OSError as error:
        raise WriteError(f"{path}: cannot be written ({error.strerror or error}).") from error


def read_base(path: Path) -> BaseLabels:
    """Read what `write_base` wrote; the checksums in the file are verified.

    Raises
    ------
    ReadError
        If it is not there or damaged.
    """
    try:
        with np.load(path, allow_pickle=False) as stored:
            labels = stored["labels"]
            model_labels = labels if "model_is_same" in stored else stored.get("model_labels")
            return BaseLabels(labels, stored.get("origin"), model_labels)
    except FileNotFoundError:
        raise ReadError(path, "is not there", "Run the model again.") from None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise ReadError(path, f"is damaged ({error})", "Run the model again.") from error


def empty_base(info: BaseInfo) -> BaseLabels:
    """Zeros of the shape."""
    return BaseLabels(np.zeros(info.shape, dtype=info.dtype))

"""Painted labels that nobody accepted yet, kept on disk so that closing a window loses nothing."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from napari_medclf.atomic import atomic_writer
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Prediction, Segmentation

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WorkingCopy:
    """Labels as they were painted, and the model's answer they began with."""

    segmentation: Segmentation
    base: Prediction | None = None


class WorkingCopies:
    """One file an image, in a folder of the user; read and written on a worker.

    Parameters
    ----------
    folder : Path
        Made at the first `save`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, image: MedImage, copy: WorkingCopy) -> None:
        """Replace the working copy of an image in one step.

        Raises
        ------
        OSError
            If it cannot be written; the one before is intact.
        """
        base = copy.base
        about = {
            "schema_version": 1,
            "classes": copy.segmentation.schema.model_dump(),
            "is_instances": copy.segmentation.is_instances,
            "name": copy.segmentation.name,
            "model": "" if base is None else base.model,
            "model_version": "" if base is None else base.model_version,
        }
        arrays = {"labels": copy.segmentation.labels, "about": np.frombuffer(json.dumps(about).encode(), np.uint8)}
        if base is not None and base.segmentation is not None:
            arrays["base"] = base.segmentation.labels
        with atomic_writer(self.path(image)) as file:
            np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stubs take the names for allow_pickle

    def load(self, image: MedImage) -> WorkingCopy | None:
        """Return the working copy of an image; None without one, or when it is damaged or does not fit."""
        path = self.path(image)
        if not path.is_file():
            return None
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                about = json.loads(bytes(stored["about"]))
                labels = stored["labels"]
                base = stored.get("base")
            segmentation = Segmentation(
                labels,
                image.geometry,
                LabelSchema.model_validate(about["classes"]),
                is_instances=bool(about["is_instances"]),
                source_digest=image.source.digest,
                name=str(about["name"]),
            )
            if base is None and not about["model"]:
                return WorkingCopy(segmentation)
            original = None if base is None else replace(segmentation, labels=base)
            prediction = Prediction(about["model"], about["model_version"], image.name, segmentation=original)
            return WorkingCopy(segmentation, prediction)
        except Exception as error:  # noqa: BLE001
            # whatever is wrong with the copy, the image itself must open
            _log.warning("The working copy %s was left alone: %s", path.name, error)
            return None

    def remove(self, image: MedImage) -> None:
        """Forget the working copy, after its labels were accepted."""
        self.path(image).unlink(missing_ok=True)

    def path(self, image: MedImage) -> Path:
        """Where the working copy of an image is, named by a hash of its source."""
        source = image.source
        key = f"{source.path.absolute()}|{source.member}|{source.digest}|{image.name}"
        return self._folder / f"{hashlib.sha256(key.encode()).hexdigest()[:24]}.npz"

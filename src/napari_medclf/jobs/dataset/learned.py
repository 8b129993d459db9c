"""What a model has learned from, kept in its package: so that nobody measures it on the same images unknowingly."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_medclf.domain.dataset import Split
from napari_medclf.domain.errors import DatasetError, MedclfError
from napari_medclf.domain.events import Job, Progress

if TYPE_CHECKING:
    from napari_medclf.domain.dataset import Dataset
    from napari_medclf.domain.image import MedImage
    from napari_medclf.domain.package import ModelPackage

LEARNED_IN_PACKAGE = "configs/learned.json"
_DIGITS = 16
_EVERY = 50


def image_digest(image: MedImage) -> str:
    """Identify the samples of an image, whatever file and number type hold them: 16 hexadecimal digits.

    Two different images of a million share them with a probability of 3e-8.
    """
    samples = np.ascontiguousarray(image.data, dtype="<f4")
    digest = hashlib.sha256(f"{samples.shape}".encode())
    digest.update(samples.reshape(-1).view(np.uint8).data)
    return digest.hexdigest()[:_DIGITS]


def describe_learned(dataset: Dataset) -> Job[bytes]:
    """Read the images that were learned from and chosen on, and list their digests for the package."""
    from napari_medclf.jobs.case_reader import CaseReader
    from napari_medclf.store.datasets import splits_sha256

    reader = CaseReader(dataset)
    document: dict[str, Any] = {"schema_version": 1, "splits_sha256": splits_sha256(dataset)}
    for split in (Split.TRAIN, Split.VAL):
        digests: set[str] = set()
        cases = dataset.in_split(split)
        for position, case in enumerate(cases):
            if position % _EVERY == 0 or len(cases) < _EVERY:
                yield Progress(position, len(cases), "noting what was learned from")
            try:
                digests.add(image_digest(reader.image(case)))
            except MedclfError:  # it was not learned from then, and training has said so
                continue
        document[split.value] = sorted(digests)
    return (json.dumps(document, indent=1) + "\n").encode()


def learned_digests(package: ModelPackage) -> frozenset[str]:
    """Return the digests of all images that a model learned from or was chosen on; empty where it does not tell.

    Raises
    ------
    DatasetError
        If its list is damaged.
    """
    path = package.folder / LEARNED_IN_PACKAGE
    if not path.is_file():
        return frozenset()
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return frozenset(digest for split in (Split.TRAIN, Split.VAL) for digest in content[split.value])
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise DatasetError(f"{path}: the list of what the model learned from is damaged ({error}).") from error

"""What a network learns from: prepared arrays with the patient they belong to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from napari_medclf.domain.errors import DatasetError
from napari_medclf.domain.results import Sample


@dataclass(frozen=True, eq=False)
class TrainCase:
    """One image to learn from or to validate on.

    Parameters
    ----------
    sample : Sample
        As `engine.prepare` made it: image (C, J, I) for a 2D network, (C, K, J, I) for a 3D one.
    """

    case_id: str
    group_id: str
    sample: Sample


def check_cases(train: Sequence[TrainCase], val: Sequence[TrainCase], spatial_dims: int, n_channels: int) -> None:
    """Refuse what cannot be learned from.

    Raises
    ------
    DatasetError
        If there is nothing to train or validate on, a patient stands in both, or an image has the
        wrong number of axes or channels.
    """
    if not train:
        raise DatasetError("There are no cases to train on.")
    if not val:
        raise DatasetError("There are no cases to validate on; take at least one patient out of the training cases.")
    shared = {case.group_id for case in train} & {case.group_id for case in val}
    if shared:
        raise DatasetError(
            f"{len(shared)} groups (patients), such as {min(shared)!r}, stand in training and in validation: the "
            "measured quality would be too good."
        )
    for case in (*train, *val):
        shape = case.sample.image.shape
        if len(shape) != spatial_dims + 1 or shape[0] != n_channels:
            raise DatasetError(
                f"{case.case_id}: an image of shape {shape} does not fit a {spatial_dims}D network with "
                f"{n_channels} input channels."
            )

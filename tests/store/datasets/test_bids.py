"""BIDS folders: labels of derivatives meet their images."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from napari_medclf.domain.errors import DatasetError
from napari_medclf.store.datasets import Hints, open_dataset

Make = Callable[..., Path]
LESION = Hints(class_names=("lesion",))
T1 = "sub-{0}/anat/sub-{0}_T1w.nii.gz"
MASK = "derivatives/labels/sub-{0}/anat/sub-{0}_T1w_seg-manual.nii.gz"


def test_label_meets_the_image_it_is_named_after(make_files: Make) -> None:
    folder = make_files(T1.format("01"), "sub-01/anat/sub-01_T2w.nii.gz", MASK.format("01"))
    dataset = open_dataset(folder, hints=LESION)
    (case,) = dataset.cases
    assert (case.case_id, case.group_id) == ("sub-01_T1w", "sub-01")
    assert dataset.warnings == ("1 images have no label below derivatives/ and are left out.",)


def test_label_in_another_space_meets_the_only_image_of_its_session(make_files: Make) -> None:
    folder = make_files(
        "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
        "sub-01/ses-b/anat/sub-01_ses-b_T1w.nii.gz",
        "derivatives/x/sub-01_ses-b_space-orig_dseg.nii.gz",
    )
    (case,) = open_dataset(folder, hints=LESION).cases
    assert case.case_id == "sub-01_ses-b_T1w"


def test_two_labels_of_an_image_are_refused(make_files: Make) -> None:
    folder = make_files(T1.format("01"), MASK.format("01"), "derivatives/other/sub-01_T1w_seg-auto.nii.gz")
    with pytest.raises(DatasetError, match=r"both label sub-01_T1w\.nii\.gz"):
        open_dataset(folder, hints=LESION)


def test_derivatives_without_a_fitting_label_are_refused(make_files: Make) -> None:
    folder = make_files(T1.format("01"), "derivatives/labels/sub-02_T1w_seg-manual.nii.gz")
    with pytest.raises(DatasetError, match="no label image below derivatives/ fits one of the 1 images"):
        open_dataset(folder, hints=LESION)


def test_spleen_is_found_and_its_people_are_not_read(shared_data: Path) -> None:
    if not (shared_data / "spleen_ct").is_dir():
        pytest.skip("the dataset spleen_ct is not beside this repository")
    (case,) = open_dataset(shared_data / "spleen_ct", hints=Hints(class_names=("spleen",))).cases
    assert case.label_map is not None
    assert case.label_map.path.name == "sub-spleen2_ct_seg-manual.nii.gz"

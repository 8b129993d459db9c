"""What a run wrote comes back as the answer it was: the same voxels, scores and boxes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from napari_medclf.domain.card import Task
from napari_medclf.domain.detection import Detection
from napari_medclf.domain.errors import GridError, ReadError
from napari_medclf.domain.results import Classification, Prediction, Segmentation
from napari_medclf.domain.run import CaseRecord, CaseStatus
from napari_medclf.io.digest import with_digest
from napari_medclf.io.read import read_image
from napari_medclf.jobs.outputs.write import write_outputs
from napari_medclf.testing.phantoms import oblique_phantom
from napari_medclf.ui.batch.answer import RunAnswer


@pytest.fixture
def image():
    return with_digest(oblique_phantom())


def written(prediction, image, card, out, formats=("auto",)) -> RunAnswer:
    found = write_outputs(prediction, image, card.schema_, out / "cases" / "one", formats)
    outputs = {path.relative_to(out).as_posix(): "" for path in found.files}
    record = CaseRecord(case_id="one", source="x", status=CaseStatus.DONE, outputs=outputs, values=found.values)
    return RunAnswer(out, record, card)


def marked(image) -> np.ndarray:
    labels = np.zeros(image.geometry.shape, dtype=np.uint8)
    labels[2, 3:7, 5] = 1
    return labels


@pytest.mark.parametrize("format_", ["nifti", "nrrd", "mha", "tiff"])
def test_labels_come_back_voxel_by_voxel(image, threshold_card, tmp_path, format_) -> None:
    card = threshold_card(spatial_dims=3)
    said = Segmentation(marked(image), image.geometry, card.schema_, source_digest=image.source.digest)
    answer = written(Prediction(card.name, "1.0", image.name, segmentation=said), image, card, tmp_path, (format_,))
    found = answer.read(image)
    assert np.array_equal(found.segmentation.labels, said.labels)
    assert found.segmentation.geometry.same_grid(image.geometry)
    described = answer(image)
    assert described.layer[1]["name"] == f"{image.name} · {card.name}"
    assert described.rows[0]["class"] == "bright"


def test_labels_of_another_grid_are_refused(image, threshold_card, tmp_path) -> None:
    card = threshold_card(spatial_dims=3)
    said = Segmentation(marked(image), image.geometry, card.schema_)
    answer = written(Prediction(card.name, "1.0", image.name, segmentation=said), image, card, tmp_path)
    smaller = image.geometry.cropped((0, 0, 0), (2, *image.geometry.shape[1:]))
    with pytest.raises(GridError, match="does not lie on the grid"):
        answer.read(replace(image, data=image.data[..., :2, :, :], geometry=smaller))


def test_run_that_kept_no_labels_is_told(image, threshold_card, tmp_path) -> None:
    record = CaseRecord(case_id="one", source="x", status=CaseStatus.DONE, values={"volume_ml:bright": 1.5})
    with pytest.raises(ReadError, match="keeps no labels of this case"):
        RunAnswer(tmp_path, record, threshold_card(spatial_dims=3)).read(image)


def test_scores_come_back_with_what_was_decided(image, threshold_card, tmp_path) -> None:
    card = threshold_card(Task.CLASSIFY)
    said = Classification({"dark": 0.25, "bright": 0.75}, ("bright",))
    answer = written(Prediction(card.name, "1.0", image.name, classification=said), image, card, tmp_path)
    found = answer.read(image).classification
    assert found.scores == {"dark": 0.25, "bright": 0.75}
    assert found.decided == ("bright",)


def test_boxes_come_back_on_the_grid(image, threshold_card, tmp_path) -> None:
    card = threshold_card(Task.DETECT, spatial_dims=3)
    boxes = np.array([[[1.5, 2.5, 3.5], [4.5, 8.5, 9.5]]])
    said = Detection(boxes, np.array([0.875]), ("bright",), image.geometry, card.schema_)
    answer = written(Prediction(card.name, "1.0", image.name, detection=said), image, card, tmp_path)
    found = answer.read(image).detection
    assert np.allclose(found.boxes, boxes)
    assert found.names == ("bright",)
    assert found.scores.tolist() == [0.875]


def test_dicom_labels_and_contours_come_back_on_the_series(shared_data, threshold_card, tmp_path) -> None:
    card = threshold_card(spatial_dims=3)
    series = with_digest(read_image(shared_data / "dicom_zoo/series/mr_multiseries_study3/11_HCropVolume"))
    labels = np.zeros(series.geometry.shape, dtype=np.uint8)
    labels[10:14, 12:30, 8:21] = 1
    said = Segmentation(labels, series.geometry, card.schema_, source_digest=series.source.digest)
    prediction = Prediction(card.name, "1.0", series.name, segmentation=said)
    answer = written(prediction, series, card, tmp_path, ("dicom-seg", "dicom-labelmap", "rtstruct"))
    assert len(answer.record.outputs) == 3
    for name in answer.record.outputs:
        record = answer.record.model_copy(update={"outputs": {name: ""}})
        found = replace(answer, record=record).read(series)
        assert np.array_equal(found.segmentation.labels, labels), name

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_medclf.bridge.authorship import authorship_of
from napari_medclf.bridge.derived import (
    REPORT_KEY,
    label_set_layers,
    report_rows,
    report_text,
    with_source_image,
)
from napari_medclf.bridge.layer_info import layer_info
from napari_medclf.bridge.reader import report_layers
from napari_medclf.domain.authorship import Making
from napari_medclf.domain.derived import (
    LabelOrigin,
    LabelSet,
    Measurement,
    MeasurementGroup,
    MeasurementReport,
    Reference,
)
from napari_medclf.domain.image import MedImage, Source
from napari_medclf.domain.labels import CodedConcept, LabelClass, LabelSchema
from napari_medclf.domain.results import Segmentation
from napari_medclf.io.report import ReadReport
from napari_medclf.testing.phantoms import MARKED_VOXEL, oblique_phantom

LIVER = CodedConcept(value="10200004", scheme="SCT", meaning="Liver")
VOLUME = CodedConcept(value="118565006", scheme="SCT", meaning="Volume")
SERIES = Source(Path("ct"), series_uid="1.2.3", sop_instance_uids=("1.2.3.1", "1.2.3.2"))
CT = replace(oblique_phantom(), source=SERIES, name="ct")


def liver_at_mark(n_layers: int = 1, *, image: MedImage = CT) -> LabelSet:
    labels = np.zeros(image.geometry.shape, np.uint8)
    labels[MARKED_VOXEL] = 1
    schema = LabelSchema(classes=(LabelClass(value=1, name="liver", colour="#AA5500", code=LIVER),))
    one = Segmentation(labels, image.geometry, schema, name="organs")
    return LabelSet((one,) * n_layers, "organs", LabelOrigin.SEG, reference=Reference(series_uid="1.2.3"))


REPORT = MeasurementReport(
    "report",
    "Sizes",
    (MeasurementGroup(finding=LIVER, measurements=(Measurement(VOLUME, 1234.5678, "mL"),), segment_number=1),),
    reference=Reference(sop_instance_uids=("1.2.3.2",)),
)


def test_labels_of_a_file_lie_on_their_image_with_class_colour_and_code() -> None:
    image, labels = report_layers(ReadReport((CT,), (), (liver_at_mark(),)))
    assert (image[2], labels[2]) == ("image", "labels")
    assert np.argwhere(labels[0]).tolist() == np.argwhere(image[0] == CT.data[MARKED_VOXEL]).tolist()
    for key in ("scale", "translate", "units", "axis_labels"):
        assert labels[1][key] == image[1][key]
    assert labels[1]["colormap"][1] == "#AA5500"
    assert labels[1]["features"]["code"] == ["", "SCT 10200004 Liver"]


def test_labels_remember_their_image_without_its_samples() -> None:
    (_, keywords, _), *_ = label_set_layers(liver_at_mark(), [CT])
    known = layer_info(keywords["metadata"]).source_image
    assert known.source == SERIES
    assert known.geometry is CT.geometry
    assert known.data.base is not None
    assert known.data.strides == (0, 0, 0)


def test_labels_of_another_grid_do_not_claim_the_image() -> None:
    elsewhere = replace(CT, geometry=CT.geometry.cropped((0, 0, 1), CT.geometry.shape))
    described, *_ = label_set_layers(liver_at_mark(), [elsewhere])
    assert layer_info(described[1]["metadata"]).source_image is None
    assert layer_info(with_source_image(described, elsewhere)[1]["metadata"]).source_image is None
    assert layer_info(with_source_image(described, CT)[1]["metadata"]).source_image is not None


def test_overlapping_segments_become_numbered_layers() -> None:
    layers = label_set_layers(liver_at_mark(2), [CT])
    names = [keywords["name"] for _, keywords, _ in layers]
    assert names == ["organs (1 of 2) · liver", "organs (2 of 2) · liver"]


def test_layer_tells_what_is_labelled_beside_the_name_of_its_file() -> None:
    made = liver_at_mark()
    for classes, told in (
        (["organs"], "organs"),
        (["liver", "spleen"], "organs · liver, spleen"),
        (["liver", "spleen", "left kidney", "aorta"], "organs · liver, spleen +2"),
    ):
        schema = LabelSchema.from_names(classes, first_value=1)
        known = replace(made, segmentations=(replace(made.segmentations[0], schema=schema),))
        assert label_set_layers(known)[0][1]["name"] == told


def test_labels_of_a_file_that_names_nobody_count_as_semi_automatic() -> None:
    (_, keywords, _), *_ = label_set_layers(liver_at_mark(), [CT])
    found = authorship_of(layer_info(keywords["metadata"]), liver_at_mark().segmentations[0])
    assert found.making is Making.SEMIAUTOMATIC
    assert "SEG" in found.model


def test_report_goes_into_the_layer_of_its_image() -> None:
    (image,) = report_layers(ReadReport((CT,), (), reports=(REPORT,)))
    assert layer_info(image[1]["metadata"]).reports == (REPORT,)


def test_report_without_its_image_is_an_empty_layer_that_holds_it() -> None:
    ((data, keywords, kind),) = report_layers(ReadReport((), (), reports=(REPORT,)))
    assert kind == "points"
    assert len(data) == 0
    assert keywords["metadata"][REPORT_KEY] is REPORT


def test_report_is_listed_with_names_values_and_units() -> None:
    assert report_rows(REPORT) == [{"what": "Volume", "value": "1235 mL", "about": "Liver (segment 1)"}]
    assert report_text(REPORT) == "Sizes\nVolume  1235 mL"

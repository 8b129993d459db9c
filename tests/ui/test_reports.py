"""Reports stay with the image they are about."""

from dataclasses import replace
from pathlib import Path

from napari_medclf.bridge.derived import report_layer
from napari_medclf.domain.derived import Measurement, MeasurementGroup, MeasurementReport, Reference
from napari_medclf.domain.image import Source
from napari_medclf.domain.labels import CodedConcept
from napari_medclf.testing.phantoms import brain_phantom, oblique_phantom
from napari_medclf.ui.tasks import Beside
from napari_medclf.ui.viewer_link import add_layer

DIAMETER = CodedConcept(value="81827009", scheme="SCT", meaning="Diameter")
REPORT = MeasurementReport(
    "sr",
    "Imaging Measurement Report",
    (MeasurementGroup(tracking_id="Nodule 1", measurements=(Measurement(DIAMETER, 10.25, "mm"),)),),
    reference=Reference(series_uid="1.2.3"),
)
CT = replace(oblique_phantom(), source=Source(Path("ct"), series_uid="1.2.3"))


def table(workbench) -> list[list[str]]:
    shown = workbench.data.reports
    return [[shown.item(row, column).text() for column in range(3)] for row in range(shown.rowCount())]


def test_report_is_shown_on_its_image_only(workbench) -> None:
    session = workbench.session
    beside = Beside((report_layer(REPORT),), (), REPORT.name, REPORT)
    ct = session.show_image(CT)
    session.show_beside(beside)
    assert len(session.viewer.layers) == 1
    assert table(workbench) == [["Diameter", "10.25 mm", "Nodule 1"]]
    assert "Diameter  10.25 mm" in workbench.notes.text("scores")

    session.show_image(brain_phantom().image)  # another patient
    assert table(workbench) == []
    assert workbench.notes.text("scores") == ""
    session.show_beside(beside)  # its image is not the one that is meant: it stands by itself
    assert len(session.viewer.layers) == 3
    assert table(workbench) == [["Diameter", "10.25 mm", "Nodule 1"]]
    session.viewer.layers.selection.active = ct
    assert len(table(workbench)) == 1


def test_report_alone_is_listed_without_an_image(workbench) -> None:
    add_layer(workbench.session.viewer, report_layer(REPORT))
    assert table(workbench) == [["Diameter", "10.25 mm", "Nodule 1"]]

"""Looking after models as a person does: find one, install it, look at its code, verify and remove it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent

from napari_medclf.backends import registry
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.package import ModelPackage
from napari_medclf.domain.trust import Trust
from napari_medclf.store.sidecar import SIDECAR
from napari_medclf.store.trust import is_trusted
from napari_medclf.store.zoo import entry as entry_module
from napari_medclf.store.zoo.entry import Zoo, ZooEntry, ZooFile


class ScriptBackend:
    """Files ending in .script, whose whole content would run."""

    name = title = "script"

    def unavailable_because(self) -> str:
        return ""

    def recognises(self, path: Path) -> bool:
        return path.suffix == ".script" and path.is_file()

    def read(self, path: Path, card=None) -> ModelPackage:
        if card is None:
            raise CardError(f"{path}: needs a card.")
        text = path.read_text()
        trust = Trust(hashlib.sha256(text.encode()).hexdigest(), tuple(text.splitlines()))
        return ModelPackage(card.model_copy(update={"backend": "script"}), path.parent, files=(path,), trust=trust)

    def load(self, package, settings=None):
        return package


@pytest.fixture
def backend(monkeypatch):
    known = (*registry.list_backends(), ScriptBackend())
    monkeypatch.setattr(registry, "list_backends", lambda: known)


@pytest.fixture
def script(tmp_path, threshold_card, backend) -> Path:
    """A folder with a model of another kind and its card."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    (folder / "model.script").write_text("launch()\nland()\n")
    card = threshold_card().model_copy(update={"name": "their-cells"})
    sidecar = {"schema_version": 1, "files": ["model.script"], "card": card.model_dump(mode="json", by_alias=True)}
    (folder / SIDECAR).write_text(json.dumps(sidecar))
    return folder


def _names(panel) -> list[str]:
    return [panel.installed.list.item(row).text() for row in range(panel.installed.list.count())]


def _drop(widget, path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    event = QDropEvent(
        QPointF(5, 5), Qt.DropAction.CopyAction, data, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    widget.dropEvent(event)


def test_model_is_installed_by_typing_its_path_then_verified_and_removed(workbench, person, script, until) -> None:
    workbench.show_tab("Models")
    panel = workbench.models
    person.type_path(panel.installed.path, script)
    assert panel.installed.install()
    until(lambda: "their-cells" in _names(panel))
    assert panel.installed.package.name == "their-cells"
    assert "runs only after you allowed it" in panel.installed.card.toPlainText()
    person.click(panel.installed.verify)
    until(lambda: not workbench.bar.is_running)
    assert "done" in workbench.bar.text
    person.click(panel.installed.remove)
    until(lambda: "their-cells" not in _names(panel))
    assert not panel.installed.remove.isEnabled()


def test_zip_file_is_installed_by_dropping_it(workbench, script, tmp_path, until) -> None:
    workbench.show_tab("Models")
    path = tmp_path / "theirs.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for one in script.iterdir():
            archive.write(one, f"inside/{one.name}")
    _drop(workbench.models, path)
    until(lambda: "their-cells" in _names(workbench.models))


def test_file_that_is_no_model_is_one_sentence(workbench, tmp_path, until) -> None:
    workbench.show_tab("Models")
    (tmp_path / "notes.txt").write_text("mine")
    _drop(workbench.models, tmp_path / "notes.txt")
    until(lambda: not workbench.bar.is_running)
    assert "is no model that this program knows" in workbench.bar.text


def test_code_is_looked_at_trusted_and_taken_back(workbench, person, script, until) -> None:
    workbench.show_tab("Models")
    page = workbench.models.installed
    _drop(workbench.models, script)
    until(lambda: page.package is not None and page.package.name == "their-cells")
    trust = page.package.trust
    person.click(page.trust)
    until(lambda: page.dialog is not None)
    assert page.dialog.code.toPlainText() == "launch()\nland()"
    person.click(page.dialog.trust)
    until(lambda: page.trust.text() == "Take trust back")
    assert is_trusted(trust)
    person.click(page.trust)
    until(lambda: page.trust.text() == "Trust…")
    assert not is_trusted(trust)


def test_embedded_model_can_neither_be_removed_nor_needs_trust(workbench) -> None:
    page = workbench.models.installed
    assert page.package.is_embedded
    assert not page.remove.isEnabled()
    assert not page.trust.isEnabled()


@pytest.fixture
def online(workbench, until):
    """The page of models to download, filled."""
    page = workbench.models.online
    until(lambda: page.table.rowCount() > 0)
    return page


def test_online_list_is_filtered_by_task_modality_and_words(workbench, online) -> None:
    everything = online.table.rowCount()
    online.modality.setCurrentText("MR")
    fewer = online.table.rowCount()
    assert 0 < fewer < everything
    online.task.setCurrentText("segment")
    online.search.setText("prostate")
    assert [online.table.item(row, 0).text() for row in range(online.table.rowCount())] == [
        "Zones of the prostate in MRI"
    ]
    online.table.selectRow(0)
    text = online.details.text()
    assert "Apache-2.0" in text
    assert "SHA-1" in text
    online.search.setText("no such thing")
    assert online.entry is None
    assert not online.start.isEnabled()
    online.search.clear()
    online.task.setCurrentIndex(0)
    online.modality.setCurrentIndex(0)
    online.others.setChecked(True)
    assert online.table.rowCount() > everything


def test_online_model_is_installed_from_a_mirror(workbench, person, script, tmp_path, until, monkeypatch) -> None:
    mirror = tmp_path / "mirror"
    mirror.mkdir()
    with zipfile.ZipFile(mirror / "offered.zip", "w") as archive:
        for one in script.iterdir():
            archive.write(one, one.name)
    sha1 = hashlib.sha1((mirror / "offered.zip").read_bytes()).hexdigest()
    words = {"title": "Offered", "licence": "MIT", "family": "x", "page": "https://example.org", "backend": "script"}
    file = ZooFile(url="https://example.org/offered.zip", path="offered.zip", sha1=sha1)
    entry = ZooEntry(name="offered", version="1", task="segment", modality=("CT",), files=(file,), **words)
    zoo = Zoo(schema_version=1, date="2026-11-21", sources=(), models=(entry,))
    monkeypatch.setattr(entry_module, "read_zoo", lambda: zoo)
    workbench.show_tab("Models")
    panel = workbench.models
    page = panel.online
    until(lambda: page.table.rowCount() > 0)
    page._take(zoo)
    panel.pages.setCurrentWidget(page)
    page.table.selectRow(0)
    page.mirror.setText(str(mirror))
    person.click(page.start)
    until(lambda: "offered" in _names(panel))
    assert panel.pages.currentWidget() is panel.installed
    panel.pages.setCurrentWidget(page)
    assert "on this computer already" in page.details.text()


def test_download_is_cancelled_from_the_job_bar(workbench, person, online, until, monkeypatch) -> None:
    def endless(*words, **more):
        from napari_medclf.domain.events import Progress

        while True:
            yield Progress(1, 4, "downloading spleen.zip")

    monkeypatch.setattr("napari_medclf.ui.model_tasks.install", endless)
    online.table.selectRow(0)
    assert online.install()
    until(lambda: "downloading spleen.zip" in workbench.bar.text)
    person.click(workbench.bar._cancel)
    until(lambda: not workbench.bar.is_running)
    assert "canceled" in workbench.bar.text

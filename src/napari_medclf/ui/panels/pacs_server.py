"""Which archive: one that was given a name, or an address; tried and remembered with a click."""

from __future__ import annotations

from qtpy.QtWidgets import QComboBox, QHBoxLayout, QInputDialog, QLabel, QSizePolicy, QWidget

from napari_medclf.jobs import pacs
from napari_medclf.ui import notify
from napari_medclf.ui.job_bar import JobBar
from napari_medclf.ui.layout import button
from napari_medclf.ui.settings import Settings


class ServerChoice(QWidget):
    """A line for a server's name or address, with the named ones to choose from."""

    def __init__(self, bar: JobBar, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._bar, self._settings = bar, settings
        self.box = QComboBox(self)
        self.box.setEditable(True)
        self.box.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.box.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.box.lineEdit().setPlaceholderText("https://host/dicom-web or dicom://AET@host:104")
        self.box.setToolTip("A name you gave a server, or its address; passwords are named: ?secret=env:NAME")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(QLabel("Server", self))
        layout.addWidget(self.box, 1)
        layout.addWidget(button("Test", "Ask whether it answers and lets us in", self.test, self))
        layout.addWidget(button("Name…", "Give this address a name to choose it by", self.give_name, self))
        self._list(str(settings.get("pacs", "server", "")))

    def text(self) -> str:
        """Name or address that is chosen; empty where none is."""
        return str(self.box.currentText()).strip()

    def set_text(self, name_or_address: str) -> None:
        """Choose a server; a long address shows its beginning."""
        self.box.setCurrentText(name_or_address)
        self.box.lineEdit().setCursorPosition(0)

    def remember(self, server: str) -> None:
        """Keep a server for the next session; call it when it answered: no password is in it then."""
        self._settings.set("pacs", server=server)

    def test(self) -> bool:
        """Ask the server for a sign of life."""
        server = self.text()
        return self._bar.start(
            f"Calling {server}",
            lambda: pacs.echo(pacs.EchoOptions(server)),
            lambda echo: notify.tell(f"{echo.server} answers ({echo.protocol}, {echo.elapsed_ms:.0f} ms)."),
        )

    def give_name(self, name: str = "") -> bool:
        """Keep the address under a name, which is asked for where none is given."""
        address = self.text()
        if not name:
            name, is_given = QInputDialog.getText(self, "Name of the server", f"A short name for {address}")
            if not is_given:
                return False
        options = pacs.ServersOptions("add", name.strip(), address)
        return self._bar.start(f"Naming {address}", lambda: pacs.servers(options), lambda table: self._list(name))

    def _list(self, chosen: str) -> None:
        self.box.clear()
        self.box.addItems(pacs.server_names())
        self.set_text(chosen)

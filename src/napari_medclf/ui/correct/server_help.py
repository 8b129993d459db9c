"""A server of one's own answers clicks, lines and boxes in place of the model."""

from __future__ import annotations

import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qtpy.QtCore import QObject, Signal
from qtpy.QtWidgets import QMessageBox, QWidget

from napari_medclf.domain.image import ChannelKind
from napari_medclf.domain.stroke import Stroke, StrokeKind
from napari_medclf.ui import notify
from napari_medclf.ui.correct.label_state import LabelState
from napari_medclf.ui.correct.server_object import ServerObject, for_server
from napari_medclf.ui.correct.server_talk import ServerAnswer, ServerTalk
from napari_medclf.ui.lane import Lane
from napari_medclf.ui.session import Session

if TYPE_CHECKING:
    from napari_medclf.backends.nninteractive import Prompt
    from napari_medclf.engine.instant.prompts import Prompt as ShownPrompt

_TOOL = "server"
EXAMPLE = "http://127.0.0.1:1527"
_CLOSE_S = 0.5


class ServerHelp(QObject):
    """Asks an nnInteractive server about one object after the other; its answers are steps that can be taken back.

    Nothing is sent to another computer before a person agreed to it, once for an address and window.

    Signals
    -------
    told : str
        What happened, in a line.
    """

    told = Signal(str)

    def __init__(self, session: Session, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._window = session, parent
        self.address = ""
        self._object: ServerObject | None = None
        self._waiting: deque[tuple[Any, ShownPrompt]] = deque()
        self._agreed: set[str] = set()
        self.question: QMessageBox | None = None
        self._talk = ServerTalk()
        self._lane = Lane(self)  # of its own: a server may take long
        session.helpers.append(lambda: self._lane.is_busy or bool(self._waiting) or self.question is not None)
        self._lane.busy.connect(self.told)
        session.painting.stroked.connect(self._on_stroke)
        session.image_changed.connect(self._leave)

    @property
    def is_busy(self) -> bool:
        """Whether the server is being asked."""
        return self._lane.is_busy

    def ask(self, layer: Any, prompt: ShownPrompt) -> bool:
        """Let a click, a line or a box be answered, after those that wait; True, as whatever is wrong is said here."""
        address, state = _address(self.address), self._session.painting.state(layer)
        if state is not None and (state.image.is_flat or state.image.channel_kind is not ChannelKind.NONE):
            notify.warn("The server takes volumes with one channel. Let the model answer here.")
        elif not address:
            notify.warn(f"{self.address!r} is no address of a server. Give one such as {EXAMPLE}.")
        elif self._may_send(address, lambda: self.ask(layer, prompt)):
            self._waiting.append((layer, prompt))
            self._next()
        return True

    def begin_object(self) -> None:
        """Let the next prompt begin another object; what was found stays."""
        self._object = None

    def close_down(self) -> None:
        """Ask no more, and give the server's place up."""
        self._waiting.clear()
        if self.question is not None:
            self.question.close()
        self._lane.finish_all(timeout_s=_CLOSE_S)
        closing = threading.Thread(target=lambda: list(self._talk.close()), daemon=True)
        closing.start()  # also ends a question that is still under way, by closing its connection
        closing.join(_CLOSE_S)

    def _next(self) -> None:
        if self._lane.is_busy or not self._waiting:
            return
        layer, prompt = self._waiting.popleft()
        state = self._session.painting.state(layer)
        wanted = None if state is None else self._object_of(layer, prompt)
        if state is None or wanted is None:
            self._next()
            return
        prompts, before = wanted.with_prompt(for_server(prompt)), wanted.now.voxels
        talk, address = self._talk, _address(self.address)
        started = time.monotonic()
        self._lane.add(
            "The server answers",
            lambda: talk.ask(state.image, address, prompts, before),
            lambda answer: self._take(layer, state, wanted, prompts, answer, time.monotonic() - started),
            self._on_failure,
        )

    def _object_of(self, layer: Any, prompt: ShownPrompt) -> ServerObject | None:
        """The object that a prompt is about: the last one, or another where another class or layer is meant."""
        last = self._object
        is_last = last is not None and last.layer_id == layer.unique_id
        if is_last and prompt.value in (0, last.value if last is not None else 0):
            return last
        if prompt.value == 0:
            notify.tell("Say first what belongs to the object; then what does not.")
            return None
        self._object = ServerObject(layer.unique_id, prompt.value)
        return self._object

    def _take(
        self,
        layer: Any,
        state: LabelState,
        about: ServerObject,
        prompts: tuple[Prompt, ...],
        answer: ServerAnswer,
        elapsed_s: float,
    ) -> None:
        painting = self._session.painting
        if painting.state(layer) is state:
            voxels, after = about.changes(answer, state.labels)
            stroke = painting.apply(layer, voxels, after, StrokeKind.MODEL, _TOOL)
            about.put(prompts, answer, is_step=stroke is not None)
            n_kept = int((state.labels.reshape(-1)[answer.voxels] != about.value).sum())
            kept = f"; {n_kept:,} stay as you painted them" if n_kept else ""
            changed = 0 if stroke is None else len(stroke)
            found = f"The server found {len(answer.voxels):,} voxels: {changed:,} changed{kept}"
            self.told.emit(f"{found} ({elapsed_s:.1f}\u00a0s).")
        self._next()

    def _on_failure(self, message: str) -> None:
        self._waiting.clear()
        notify.complain(message)
        self.told.emit(message)

    def _on_stroke(self, layer: Any, stroke: Stroke) -> None:
        about = self._object
        if about is None or about.layer_id != layer.unique_id or stroke.tool != _TOOL:
            return
        if stroke.kind is StrokeKind.UNDO:
            about.take_back()
        elif stroke.kind is StrokeKind.REDO:
            about.make_again()

    def _leave(self) -> None:
        """Let the server forget an image that is no longer meant."""
        self._waiting.clear()
        if self._object is not None:
            self._object = None
            self._lane.add("", self._talk.close, on_failure=lambda message: None)

    def _may_send(self, address: str, go_on: Any) -> bool:
        """Whether an image may be sent there; asks the person where that is another computer, and goes on if it may."""
        from napari_medclf.backends.nninteractive import is_on_this_computer

        if address in self._agreed or is_on_this_computer(address):
            return True
        if self.question is None:
            self.question = asked = _question(address, self._window.window())
            asked.finished.connect(lambda: self._on_said(asked, address, go_on))
            asked.open()
        return False

    def _on_said(self, asked: QMessageBox, address: str, go_on: Any) -> None:
        self.question = None
        if asked.standardButton(asked.clickedButton()) == QMessageBox.StandardButton.Yes:
            self._agreed.add(address)
            go_on()
        else:
            self.told.emit("Nothing was sent.")


def _address(text: str) -> str:
    """Make an address of what a person typed; empty where it is none."""
    whole = text.strip() if "://" in text else f"http://{text.strip()}"
    try:
        parts = urlsplit(whole)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and " " not in whole
        _ = parts.port
    except ValueError:
        return ""
    return whole.rstrip("/") if is_address else ""


def _question(address: str, window: QWidget) -> QMessageBox:
    way = "" if address.startswith("https:") else " The way there is not encrypted."
    buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.No
    made = QMessageBox(QMessageBox.Icon.Warning, "Send this image away?", "", buttons, window)
    made.setText(f"The image would leave this computer for {address}.")
    made.setInformativeText(
        f"All its voxels, their size, and your clicks are sent; names and other tags are not.{way} A face or text in "
        "the image can still tell who it is. The answer holds for this address until the window is closed."
    )
    made.button(QMessageBox.StandardButton.Yes).setText("Send images there")
    made.button(QMessageBox.StandardButton.No).setText("Keep them here")
    made.setDefaultButton(QMessageBox.StandardButton.No)
    return made

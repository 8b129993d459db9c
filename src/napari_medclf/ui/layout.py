"""Small pieces that all panels are put together from."""

from __future__ import annotations

from collections.abc import Callable

from qtpy.QtCore import Qt
from qtpy.QtWidgets import QFrame, QLabel, QPushButton, QScrollArea, QSizePolicy, QVBoxLayout, QWidget
from superqt import QCollapsible


def column(parent: QWidget, *, margin: int = 10, spacing: int = 8) -> QVBoxLayout:
    """Make the vertical layout of a panel."""
    layout = QVBoxLayout(parent)
    layout.setContentsMargins(margin, margin, margin, margin)
    layout.setSpacing(spacing)
    return layout


def scrolled(content: QWidget) -> QScrollArea:
    """Put a panel into an area that scrolls up and down, never sideways."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setWidget(content)
    return area


def heading(text: str, parent: QWidget) -> QLabel:
    """Make the title of a part of a panel."""
    label = QLabel(text, parent)
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    label.setContentsMargins(0, 6, 0, 0)
    return label


def note(text: str, parent: QWidget) -> QLabel:
    """Make a text that wraps and may be selected."""
    label = QLabel(text, parent)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Minimum)
    return label


def button(text: str, tooltip: str, on_click: Callable[[], object], parent: QWidget) -> QPushButton:
    """Make a push button; its click carries no argument.

    Clicking leaves the focus where it was, so that the next key still goes to the viewer; Tab reaches it.
    """
    made = QPushButton(text, parent)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.setToolTip(tooltip)
    made.clicked.connect(lambda: on_click())
    return made


def folded(content: QWidget, parent: QWidget, title: str = "More options") -> QCollapsible:
    """Hide what few people need behind a title that opens it."""
    made = QCollapsible(title, parent)
    made.layout().setContentsMargins(0, 0, 0, 0)
    made.setDuration(0)
    made.setCollapsedIcon("▸")
    made.setExpandedIcon("▾")
    made.addWidget(content)
    made.collapse(animate=False)
    return made


def banner(text: str, parent: QWidget) -> QLabel:
    """Make a text that must not be overlooked, readable in every theme; hidden while it is empty."""
    label = note(text, parent)
    label.setStyleSheet(
        "QLabel { background: rgba(230, 159, 0, 45); border-left: 4px solid #E69F00; padding: 6px 8px; }"
    )
    label.setVisible(bool(text))
    return label

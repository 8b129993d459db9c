"""Objects in the colours of their classes, learned again with every object that a person names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from qtpy.QtCore import QObject, Signal

from napari_medclf.bridge.layers import labels_layer
from napari_medclf.domain.arrays import LabelArray
from napari_medclf.domain.events import Job, Progress
from napari_medclf.domain.image import MedImage
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.results import Scope, Segmentation
from napari_medclf.ui import notify, viewer_link
from napari_medclf.ui.objects.marking import Marking
from napari_medclf.ui.session import Session

if TYPE_CHECKING:
    from napari_medclf.engine.objects.classifier import ObjectAnswer
    from napari_medclf.engine.objects.describe import ObjectTable

LAYER_SUFFIX = " · classes"


@dataclass(frozen=True, eq=False)
class _Described:
    """The features of all objects of a labels layer, and the labels that they are of."""

    layer: Any
    objects: LabelArray
    table: ObjectTable


class Recolouring(QObject):
    """Answers for all objects what a person said of some, and shows it as a layer of its own.

    Signals
    -------
    changed
        There is another answer, or none.
    """

    changed = Signal()

    def __init__(self, session: Session, marking: Marking, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session, self._marking = session, marking
        self._described: _Described | None = None
        self._is_describing = False
        self._colours: tuple[str, ...] = ()
        self.answer: ObjectAnswer | None = None
        self.model = "linear"
        marking.object_said.connect(lambda number, name: self.learn())
        session.painting.stroked.connect(lambda layer, stroke: self._forget())
        session.painting.joined.connect(lambda layer, voxels: self._forget())
        session.image_changed.connect(self._forget)

    @property
    def said(self) -> dict[int, str]:
        """Objects that a person named, with one class each, and surely."""
        return {
            mark.index: mark.classes[0]
            for mark in self._marking.marks
            if mark.scope is Scope.OBJECT and mark.index is not None and len(mark.classes) == 1 and not mark.is_unsure
        }

    def learn(self) -> None:
        """Learn from what was said and colour all objects, as soon as two classes were shown."""
        layer, image, said = self._session.labels_layer, self._session.image, self.said
        if layer is None or image is None or len(set(said.values())) < 2:
            self._take(None)
            return
        described = self._described
        if described is not None and viewer_link.info_of(described.layer) is viewer_link.info_of(layer):
            self._session.lane.add("", lambda: _answer(described, said, self.model), self._take)
            return
        if self._is_describing:  # it learns when that is done, from what was said by then
            return
        self._is_describing = True
        info = viewer_link.info_of(layer)
        assert info is not None
        objects = np.array(info.frame.from_display(np.asarray(layer.data)))
        self._session.lane.add(
            "Describing the objects",
            lambda: _describe(layer, image, objects),
            self._on_described,
            self._on_failed,
        )

    def show_unsure(self) -> int | None:
        """Step to the object whose class would teach most; returns its number, None without one."""
        number = None if self.answer is None else self.answer.next_to_ask()
        described, layer = self._described, self._session.labels_layer
        if number is None or described is None or layer is None:
            return None
        info = viewer_link.info_of(layer)
        assert info is not None
        place = np.argwhere(info.frame.from_display(np.asarray(layer.data)) == number).mean(0)
        viewer_link.centre_on(self._session.viewer, layer, place)
        return number

    def _on_described(self, described: _Described) -> None:
        self._is_describing = False
        self._described = described
        self.learn()

    def _on_failed(self, message: str) -> None:
        self._is_describing = False
        notify.complain(message)

    def _forget(self) -> None:
        """The objects are others now: their features are counted again when they are needed."""
        self._described = None
        if self.answer is not None:
            self.answer = None
            self.changed.emit()

    def _take(self, answer: ObjectAnswer | None) -> None:
        self.answer = answer
        if answer is not None and self._described is not None:
            self._show(answer, self._described)
        self.changed.emit()

    def _show(self, answer: ObjectAnswer, described: _Described) -> None:
        image, viewer = self._session.image, self._session.viewer
        if image is None:
            return
        name = f"{described.layer.name}{LAYER_SUFFIX}"
        data, keywords, kind = labels_layer(self._class_map(answer, described, image, name), image=image)
        shown = next((layer for layer in viewer.layers if layer.name == name), None)
        if shown is not None and self._colours == self._marking.classes:
            shown.data = data
            return
        active = viewer.layers.selection.active
        if shown is not None:
            viewer.layers.remove(shown)
        # Without our metadata it is a picture of the answer: nobody corrects or exports it in place of the objects.
        viewer_link.add_layer(viewer, (data, keywords | {"metadata": {}}, kind))
        viewer.layers.selection.active = active
        if described.layer.contour == 0:  # as outlines, the objects' own colours do not mix with those of the classes
            described.layer.contour = 1
        self._colours = self._marking.classes

    def _class_map(self, answer: ObjectAnswer, described: _Described, image: MedImage, name: str) -> Segmentation:
        """The class of each voxel's object, numbered and coloured as the keys are."""
        names = self._marking.classes
        order = {one: number for number, one in enumerate(names, start=1)}
        numbers = np.array([0, *(order.get(one, 0) for one in answer.classes)], dtype=np.uint8)
        schema = LabelSchema.from_names(names, first_value=1)
        return Segmentation(numbers[answer.label_map(described.objects)], image.geometry, schema, name=name)


def _describe(layer: Any, image: MedImage, objects: LabelArray) -> Job[_Described]:
    from napari_medclf.engine.objects.describe import describe_objects

    table = yield from describe_objects(image, objects)
    return _Described(layer, objects, table)


def _answer(described: _Described, said: Mapping[int, str], model: str) -> Job[ObjectAnswer]:
    from napari_medclf.engine.objects.classifier import ObjectModel, classify_objects

    yield Progress(0, 0)
    known = set(described.table.numbers.tolist())
    return classify_objects(
        described.table, {number: name for number, name in said.items() if number in known}, model=ObjectModel(model)
    )

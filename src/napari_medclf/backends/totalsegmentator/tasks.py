"""TotalSegmentator's tasks: what they take, which classes they know, and whether a licence is needed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from napari_medclf.domain.card import DataCredit, ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError, unknown_choice
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelClass, LabelSchema
from napari_medclf.domain.output_spec import OutputSpec

_TABLE = Path(__file__).with_name("tasks.json")
_FREE = "Apache-2.0 (program and weights)"
_RESTRICTED = (
    "Needs a licence of TotalSegmentator: free for research at https://backend.totalsegmentator.com/license-academic/, "
    "to be bought for commercial use"
)
_CITED = "Wasserthal et al., TotalSegmentator, Radiology: Artificial Intelligence 2023, doi 10.1148/ryai.230024"
_FAST = {
    "total": "total_fast",
    "total_v3": "total_v3_fast",
    "total_mr": "total_fast_mr",
    "body": "body_fast",
    "body_mr": "body_mr_fast",
}
"""Tasks that have a quick variant, and under which name its weights are downloaded."""


@dataclass(frozen=True)
class SegmentatorTask:
    """One task of TotalSegmentator.

    Parameters
    ----------
    classes : dict
        Label value to name.
    is_fast : bool
        The quick variant at 3 mm.
    """

    name: str
    modality: str
    needs_licence: bool
    classes: dict[int, str]
    is_fast: bool = False


def find_task(name: str, *, is_fast: bool = False) -> SegmentatorTask:
    """Find a task in the table.

    Raises
    ------
    CardError
        If there is none of the name, or it has no quick variant.
    """
    table = _read_table()
    if name not in table:
        raise CardError(unknown_choice("task of TotalSegmentator", name, table))
    if is_fast and name not in _FAST:
        raise CardError(f"The task {name!r} has no fast variant; these have one: {', '.join(_FAST)}.")
    found = table[name]
    return SegmentatorTask(found.name, found.modality, found.needs_licence, found.classes, is_fast)


def list_tasks() -> tuple[str, ...]:
    """List the names of all tasks."""
    return tuple(_read_table())


def make_card(task: SegmentatorTask) -> ModelCard:
    """Make the card of a task."""
    licence = _RESTRICTED if task.needs_licence else _FREE
    variant = "-fast" if task.is_fast else ""
    return ModelCard(
        name=f"totalsegmentator-{task.name}{variant}",
        version="2",
        task=Task.SEGMENT,
        title=f"TotalSegmentator {task.name}{' (fast, 3 mm)' if task.is_fast else ''}",
        description=f"{len(task.classes)} classes in {task.modality}, by TotalSegmentator in its own environment.",
        limits=(_tell_download(task),),
        input=InputSpec(
            spatial_dims=3,
            channels=(task.modality,),
            intensity=Intensity(kind="none"),
            modality=(task.modality,),
            patch_vox=(1, 1, 1),
        ),
        output=OutputSpec(schema=make_schema(task.classes)),
        network=NetworkSpec(target="TotalSegmentator", arguments={"task": task.name, "fast": task.is_fast}),
        licence=licence,
        data=(DataCredit(name=f"TotalSegmentator {task.name}", licence=licence, attribution=_CITED),),
        author="Jakob Wasserthal",
        backend="totalsegmentator",
    )


def _tell_download(task: SegmentatorTask) -> str:
    name = _FAST[task.name] if task.is_fast else task.name
    return (
        "TotalSegmentator runs without the network: download its weights once with "
        f"`totalseg_download_weights -t {name}`."
    )


def make_schema(classes: dict[int, str]) -> LabelSchema:
    """Make the classes of a label image."""
    colours = LabelSchema.from_names(list(classes.values())).classes
    return LabelSchema(
        classes=tuple(
            LabelClass(value=value, name=name, colour=one.colour)
            for (value, name), one in zip(sorted(classes.items()), colours, strict=True)
        )
    )


@cache
def _read_table() -> dict[str, SegmentatorTask]:
    tasks = json.loads(_TABLE.read_bytes())["tasks"]
    return {
        name: SegmentatorTask(
            name, one["modality"], one["needs_licence"], {int(value): label for value, label in one["classes"].items()}
        )
        for name, one in tasks.items()
    }

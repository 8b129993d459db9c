"""Read ``bioimageio.yaml``: what a model takes and returns, and where its weights are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import ValidationError

from napari_medclf.backends.bioimageio.axes import Layout, choose_patch, read_layout
from napari_medclf.backends.bioimageio.steps import After, read_postprocessing, read_preprocessing
from napari_medclf.domain.card import ModelCard, NetworkSpec, Task
from napari_medclf.domain.errors import CardError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.labels import LabelSchema
from napari_medclf.domain.output_spec import OutputSpec
from napari_medclf.store.monai_config.parse import read_file
from napari_medclf.store.sidecar import inner_path

NAMES = ("bioimageio.yaml", "rdf.yaml", "bioimageio.yml", "rdf.yml")
_MOST_LISTED = 5
_DEFAULT_OVERLAP = 0.25
_AXIS_OF_LETTER = {"z": 0, "y": 1, "x": 2}
_BACKGROUND = ("background", "bg")
# What the one channel of an answer is called where nobody thought of the class.
_SAYS_NOTHING = ("probability", "output", "mask", "prediction", "channel0")


@dataclass(frozen=True, eq=False)
class Description:
    """A model's description; the weights are not read."""

    path: Path
    content: Mapping[str, Any]

    def weights(self, kind: str) -> Path | None:
        """Where the weights of a kind (``onnx``, ``torchscript``, ``pytorch_state_dict``) lie beside it.

        Returns
        -------
        Path or None
            None where it has none of the kind, or only an address on the web.

        Raises
        ------
        CardError
            If the file is missing, or lies outside of the folder.
        """
        source = self._entry(kind).get("source")
        source = source.get("path", source.get("source")) if isinstance(source, Mapping) else source
        if not isinstance(source, str) or "://" in source:
            return None
        if PurePosixPath(source).is_absolute() or ".." in PurePosixPath(source).parts or "\\" in source:
            raise CardError(f"{self.path}: its weights {source!r} lie outside of the folder.")
        return inner_path(self.path.parent, source)

    def card(self, kind: str, backend: str) -> ModelCard:
        """Make the card for the weights of a kind.

        Raises
        ------
        CardError
            If the description says too little, or speaks of what is not supported here; a card by hand then helps.
        """
        title = str(self.content.get("name") or self.path.parent.name)
        inputs = [(one, read_layout(one, f"{self.path}: inputs")) for one in self._tensors("inputs")]
        outputs = [(one, read_layout(one, f"{self.path}: outputs")) for one in self._tensors("outputs")]
        if len(outputs) != 1:
            raise CardError(f"{self.path}: the model has {len(outputs)} outputs; write a card that says what they are.")
        answer, layout = outputs[0]
        task = Task.SEGMENT if layout.space else Task.CLASSIFY
        try:
            return ModelCard(
                name=_as_name(title),
                version=str(self.content.get("version") or "0"),
                task=task,
                title=title,
                description=str(self.content.get("description") or title),
                input=self._input(inputs, layout, task),
                output=self._output(answer, layout, task),
                network=self._network(kind, inputs, layout),
                licence=str(self.content.get("license") or "not given"),
                author=self._authors(),
                weights_sha256=str(self._entry(kind).get("sha256") or ""),
                backend=backend,
            )
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"]))
            raise CardError(f"{self.path}: what it says gives no valid card at {where}: {first['msg']}.") from error

    def _entry(self, kind: str) -> Mapping[str, Any]:
        weights = self.content.get("weights")
        entry = weights.get(kind) if isinstance(weights, Mapping) else None
        return entry if isinstance(entry, Mapping) else {}

    def _tensors(self, key: str) -> list[Mapping[str, Any]]:
        given = self.content.get(key)
        if not isinstance(given, Sequence) or not given or not all(isinstance(one, Mapping) for one in given):
            raise CardError(f"{self.path}: says nothing about its {key}.")
        return list(given)

    def _input(self, inputs: list[tuple[Mapping[str, Any], Layout]], answer: Layout, task: Task) -> InputSpec:
        first = inputs[0][1]
        if any(layout.space != first.space for _, layout in inputs) or not first.space:
            raise CardError(f"{self.path}: its inputs have different spatial axes, which is not supported.")
        steps = [read_preprocessing(one, f"{self.path}: inputs") for one, _ in inputs]
        if any(len(one) != len(steps[0]) or one[1:] != steps[0][1:] for one in steps):
            raise CardError(f"{self.path}: its inputs are prepared in ways that differ beyond the first step.")
        counts = [layout.channel.size or 1 for _, layout in inputs]
        each = [one[0] if one else Intensity(kind="none") for one in steps]
        patch = choose_patch(first.space)
        order = tuple(_AXIS_OF_LETTER[axis.letter] for axis in first.space)
        return InputSpec(
            spatial_dims=2 if len(patch) == 2 else 3,
            channels=_channel_names([layout for _, layout in inputs]),
            intensity=each[0],
            channel_intensity=()
            if len(inputs) == 1
            else tuple(intensity for intensity, n in zip(each, counts, strict=True) for _ in range(n)),
            then=steps[0][1:],
            axis_order=(0, *order) if len(order) == 2 else order,  # type: ignore[arg-type]  # three either way
            patch_vox=patch,
            resize_to=patch if task is Task.CLASSIFY else None,
            overlap=_choose_overlap(answer, patch),
        )

    def _output(self, tensor: Mapping[str, Any], layout: Layout, task: Task) -> OutputSpec:
        after = read_postprocessing(tensor, f"{self.path}: outputs")
        names = layout.channel.names or _names_by_count(layout.channel.size)
        names = _names_by_count(1) if len(names) == 1 and names[0].casefold() in _SAYS_NOTHING else names
        if not names:
            raise CardError(f"{self.path}: does not say how many channels the answer has; write a card for this model.")
        is_listed = names[0].casefold() in _BACKGROUND
        is_alone = len(names) == 1 or (not is_listed and after.activation != "softmax" and task is Task.SEGMENT)
        activation = after.activation or ("sigmoid" if is_alone or after.threshold is not None else "softmax")
        has_background = task is Task.SEGMENT and activation == "softmax"
        classes = names[1:] if has_background else names
        return OutputSpec(
            schema=LabelSchema.from_names(_unique(classes), first_value=0 if task is Task.CLASSIFY else 1),
            activation=activation,
            is_activated=not after.activation and self._is_probability(tensor, after),
            has_background_channel=has_background,
            thresholds={} if after.threshold is None else dict.fromkeys(classes, after.threshold),
        )

    def _is_probability(self, tensor: Mapping[str, Any], after: After) -> bool:
        """Whether numbers that no step activates are said to lie in 0..1."""
        data = tensor.get("data")
        limits = data.get("range") if isinstance(data, Mapping) else tensor.get("data_range")
        return after.threshold is not None or (isinstance(limits, Sequence) and [*limits] == [0, 1])

    def _network(self, kind: str, inputs: list[tuple[Mapping[str, Any], Layout]], answer: Layout) -> NetworkSpec:
        if kind == "pytorch_state_dict":
            return self._architecture()
        arguments: dict[str, Any] = {}
        if any(layout.letters[1:2] != "c" for _, layout in inputs):
            arguments["input_axes"] = inputs[0][1].letters
        if answer.space and answer.letters[1:2] != "c":
            arguments["output_axes"] = answer.letters
        if len(inputs) > 1:
            arguments["input_channels"] = [layout.channel.size or 1 for _, layout in inputs]
        return NetworkSpec(target=kind, arguments=arguments)

    def _architecture(self) -> NetworkSpec:
        entry = self._entry("pytorch_state_dict").get("architecture")
        if not isinstance(entry, Mapping) or "import_from" not in entry:
            raise CardError(f"{self.path}: its network is Python code of its own, which is not run; use other weights.")
        target = f"{entry['import_from']}.{entry.get('callable')}"
        return NetworkSpec(target=target, arguments=dict(entry.get("kwargs") or {}))

    def _authors(self) -> str:
        authors = self.content.get("authors")
        listed = authors if isinstance(authors, Sequence) else ()
        names = [str(one.get("name")) for one in listed if isinstance(one, Mapping) and one.get("name")]
        return ", ".join(name.partition(";")[0] for name in names[:_MOST_LISTED])


def find_description(path: Path) -> Description | None:
    """Read the description in a folder, or beside a file of weights that it names; None where there is none.

    Raises
    ------
    CardError
        If there is one and it is damaged.
    """
    folder = path if path.is_dir() else path.parent
    found = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if found is None:
        return None
    content = read_file(found)
    return Description(found, content) if content.get("type", "model") == "model" and "weights" in content else None


def _as_name(title: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "-", title).strip("-._")[:80] or "model"


def _channel_names(layouts: Sequence[Layout]) -> tuple[str, ...]:
    if len(layouts) == 1 and not layouts[0].channel.names:
        count = layouts[0].channel.size or 1
        return {1: ("gray",), 3: ("red", "green", "blue")}.get(count) or tuple(f"channel {n}" for n in range(count))
    return _unique(
        [name for layout in layouts for name in layout.channel.names or _names_by_count(layout.channel.size)]
    )


def _names_by_count(count: int) -> tuple[str, ...]:
    return ("foreground",) if count == 1 else tuple(f"class {number}" for number in range(count))


def _unique(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(f"{name} {place}" if names.count(name) > 1 else name for place, name in enumerate(names))


def _choose_overlap(answer: Layout, patch: tuple[int, ...]) -> float:
    """Twice the rim that the description calls unreliable, and no less than a quarter."""
    rims = [2 * axis.halo / size for axis, size in zip(answer.space, patch, strict=False)]
    return min(0.75, max([_DEFAULT_OVERLAP, *rims]))

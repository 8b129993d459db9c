"""Put the steps that a person chose for an image where a model has its place for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from napari_medclf.domain.errors import OptionError
from napari_medclf.domain.input_spec import InputSpec, Intensity
from napari_medclf.domain.preprocess_step import PreprocessStep
from napari_medclf.domain.step_kinds import StepGroup


def with_steps(spec: InputSpec, steps: Sequence[PreprocessStep]) -> InputSpec:
    """Give a model's input these steps before its own.

    Parameters
    ----------
    steps : sequence of PreprocessStep
        In their order. ``resample`` and ``resize`` become the spacing and the size of the network's grid, and a scaling
        after all others becomes its intensity; the rest goes into `InputSpec.steps`.

    Raises
    ------
    OptionError
        If a step would change the image's own grid before others, or has no place in a model.
    """
    on_own_grid = tuple(step for step in steps if step.kind.group is not StepGroup.GRID)
    later = [step.kind.group for step in steps[_first_grid_step(steps) :]]
    if any(group not in (StepGroup.GRID, StepGroup.SCALE) for group in later):
        raise OptionError(
            "A model cleans and crops an image on its own grid first: resample and resize come after these steps."
        )
    changes: dict[str, Any] = {}
    for step in steps:
        changes |= _grid_change(step, spec)
    if on_own_grid and on_own_grid[-1].kind.group is StepGroup.SCALE:
        changes |= {"intensity": _intensity(on_own_grid[-1]), "channel_intensity": (), "then": ()}
        on_own_grid = on_own_grid[:-1]
    return InputSpec.model_validate(spec.model_dump() | changes | {"steps": (*spec.steps, *on_own_grid)})


def _first_grid_step(steps: Sequence[PreprocessStep]) -> int:
    return next((n for n, step in enumerate(steps) if step.kind.group is StepGroup.GRID), len(steps))


def _grid_change(step: PreprocessStep, spec: InputSpec) -> dict[str, Any]:
    if step.name == "resample":
        return {"spacing_mm": step.numbers("spacing_mm", spec.spatial_dims)}
    if step.name == "resize":
        if spec.resize_to is None:
            raise OptionError("This model takes windows of an image, not the whole: use resample in place of resize.")
        size = tuple(int(one) for one in step.numbers("size_vox", spec.spatial_dims))
        return {"resize_to": size, "patch_vox": size}
    if step.name == "pad":
        raise OptionError("A model pads by itself (divisible_by): leave the step pad out.")
    return {}


def _intensity(step: PreprocessStep) -> Intensity:
    limits = {name: step.number(name) for name in ("low", "high") if name in step.values}
    return Intensity.model_validate({"kind": step.name, **limits})

"""Named steps that an image goes through before a network sees it, as values that are stored with the model."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from napari_medclf.domain.errors import OptionError, unknown_choice
from napari_medclf.domain.step_kinds import STEP_KINDS, StepKind, StepParameter

StepValue = float | tuple[float, ...]


class PreprocessStep(BaseModel):
    """One step, with all its numbers.

    Parameters
    ----------
    name : str
        Of `STEP_KINDS`.
    values : dict
        Its numbers; those that are left out take their defaults and are stored, so that a model goes on doing what it
        was trained with.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    values: dict[str, StepValue] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _complete(cls, said: Any) -> Any:
        if isinstance(said, str):
            return {"name": (step := cls.parse(said)).name, "values": step.values}
        if not isinstance(said, dict) or not isinstance(said.get("name"), str):
            return said
        if said["name"] not in STEP_KINDS:
            raise ValueError(unknown_choice("step", said["name"], STEP_KINDS))
        try:
            return said | {"values": _checked(STEP_KINDS[said["name"]], said.get("values") or {})}
        except OptionError as error:
            raise ValueError(str(error)) from error

    @classmethod
    def parse(cls, text: str) -> PreprocessStep:
        """Read ``median``, ``clahe:tiles=4:clip=0.02`` or ``resample:spacing_mm=3x1x1``.

        Raises
        ------
        OptionError
            If there is no such step or number, or a number is beyond its limits.
        """
        name, *assignments = text.strip().split(":")
        if name not in STEP_KINDS:
            raise OptionError(unknown_choice("step", name, STEP_KINDS))
        said: dict[str, StepValue] = {}
        for one in assignments:
            key, is_said, number = one.partition("=")
            if not is_said:
                raise OptionError(f"The step {text!r} holds {one!r}; write name=number.")
            STEP_KINDS[name].parameter(key.strip())
            said[key.strip()] = _read_numbers(number, text)
        return cls(name=name, values=_checked(STEP_KINDS[name], said))

    @property
    def kind(self) -> StepKind:
        """What it does."""
        return STEP_KINDS[self.name]

    @property
    def text(self) -> str:
        """The step as `parse` reads it."""
        said = (f"{name}={_number_text(value)}" for name, value in self.values.items())
        return ":".join((self.name, *said))

    def number(self, name: str) -> float:
        """Give one of its numbers."""
        value = self.values[name]
        return value[0] if isinstance(value, tuple) else value

    def numbers(self, name: str, n: int) -> tuple[float, ...]:
        """Give a number for each of n axes; one that was said alone holds for all.

        Raises
        ------
        OptionError
            If it holds another number of them.
        """
        value = self.values[name]
        numbers = value if isinstance(value, tuple) else (value,) * n
        if len(numbers) != n:
            raise OptionError(f"{self.name} has {len(numbers)} numbers as {name} for an image of {n} axes.")
        return numbers


def _checked(kind: StepKind, said: dict[str, Any]) -> dict[str, StepValue]:
    """Complete the numbers of a step, and refuse what is beyond their limits."""
    for name in said:
        kind.parameter(name)
    values: dict[str, StepValue] = {}
    for one in kind.parameters:
        value = said.get(one.name, one.default)
        if value is None:
            raise OptionError(f"The step {kind.name} needs a number: {one.name}, {one.help}.")
        values[one.name] = _within(kind, one, value)
    if {"low", "high"} <= values.keys() and values["low"] >= values["high"]:  # type: ignore[operator]  # both are single
        raise OptionError(f"The step {kind.name} from {values['low']:g} to {values['high']:g} leaves nothing.")
    return values


def _within(kind: StepKind, parameter: StepParameter, value: Any) -> StepValue:
    numbers = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    if len(numbers) > 1 and not parameter.is_per_axis:
        raise OptionError(f"The step {kind.name} takes one number as {parameter.name}, not {len(numbers)}.")
    for number in numbers:
        is_number = isinstance(number, (int, float)) and not isinstance(number, bool)
        if not is_number or not parameter.minimum <= number <= parameter.maximum:
            raise OptionError(
                f"The step {kind.name} has {parameter.name}={number}, but it must be a number from "
                f"{parameter.minimum:g} to {parameter.maximum:g}."
            )
        if parameter.is_whole and number != int(number):
            raise OptionError(f"The step {kind.name} has {parameter.name}={number}, but it must be a whole number.")
    exact = tuple(float(number) for number in numbers)
    return exact if len(exact) > 1 else exact[0]


def _read_numbers(text: str, step: str) -> StepValue:
    try:
        numbers = tuple(float(one) for one in text.split("x"))
    except ValueError as error:
        raise OptionError(f"The step {step!r} holds {text!r}, which is no number.") from error
    return numbers if len(numbers) > 1 else numbers[0]


def _number_text(value: StepValue) -> str:
    return "x".join(f"{one:g}" for one in (value if isinstance(value, tuple) else (value,)))

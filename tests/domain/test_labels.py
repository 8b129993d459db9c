"""Classes are found by name or value, never by position."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from napari_medclf.domain.errors import SchemaError
from napari_medclf.domain.labels import LabelClass, LabelSchema


@pytest.fixture
def organs():
    return LabelSchema.from_names(["liver", "spleen"], first_value=1)


def test_names_get_values_in_order_and_colours_that_stay(organs):
    assert organs.values == (1, 2)
    assert organs.classes[0].colour == LabelSchema.from_names(["liver"], first_value=1).classes[0].colour
    assert len({one.colour for one in organs.classes}) == 2


def test_class_is_found_by_name_whatever_its_case(organs):
    assert organs.named("Spleen").value == 2


def test_unknown_name_gets_the_nearest_one(organs):
    with pytest.raises(SchemaError, match="'spleeen'\\. Did you mean 'spleen'"):
        organs.named("spleeen")


def test_unknown_value_is_told_with_the_known_ones(organs):
    with pytest.raises(SchemaError, match="1 liver, 2 spleen"):
        organs.valued(7)


def test_background_needs_no_class(organs):
    organs.check_values([0, 1, 2])
    with pytest.raises(SchemaError, match=r"\[3\]"):
        organs.check_values([0, 3])


def test_foreground_leaves_background_out():
    schema = LabelSchema.from_names(["background", "vessel"])
    assert [one.name for one in schema.foreground] == ["vessel"]


@pytest.mark.parametrize("field", ["name", "value"])
def test_repeated_class_is_refused(field):
    first = LabelClass(value=1, name="liver", colour="#E69F00")
    other = first.model_copy(update={"value": 2} if field == "name" else {"name": "spleen"})
    with pytest.raises(ValidationError, match=f"each class {field} may stand once"):
        LabelSchema(classes=(first, other))


def test_schema_survives_json(organs):
    assert LabelSchema.model_validate_json(organs.model_dump_json()) == organs

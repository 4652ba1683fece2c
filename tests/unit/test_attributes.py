from typing import Any

import pytest

from domain.attributes import (
    MAX_ATTRIBUTES,
    MAX_NAME_LENGTH,
    MAX_VALUE_LENGTH,
    Attribute,
    attributes_of,
    parse_attributes,
    parse_conditions,
    values_by_name,
)
from domain.errors import InvalidValueError
from tests.builders import ODD_TEXTS


def test_a_name_has_one_value_or_several() -> None:
    attributes = parse_attributes({"colour": "red", "size": ["S", "M", "S"], "brand": None, "taste": []})

    assert values_by_name(attributes) == {"colour": ["red"], "size": ["M", "S"]}


@pytest.mark.parametrize(
    ("value", "text"),
    [(7, "7"), (7.0, "7"), (-0.5, "-0.5"), (1e300, "1e+300"), (True, "true"), (False, "false"), (" é ", " é ")],
)
def test_a_value_equals_its_text(value: object, text: str) -> None:
    assert parse_attributes({"name": value}) == {Attribute("name", text)}
    assert parse_attributes({"name": [value]}) == parse_attributes({"name": text})


def test_what_is_absent_is_no_attribute() -> None:
    assert parse_attributes(None) == parse_attributes({}) == parse_attributes({"size": [None]}) == frozenset()


def test_what_is_as_long_as_it_may_be_is_taken() -> None:
    name, value = "n" * MAX_NAME_LENGTH, "🧁" * MAX_VALUE_LENGTH
    many = {name: [value, *range(MAX_ATTRIBUTES - 1)]}

    assert Attribute(name, value) in parse_attributes(many)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ("red", "attributes"),
        ([{"colour": "red"}], "attributes"),
        ({"": "red"}, "attributes"),
        ({"n" * (MAX_NAME_LENGTH + 1): "red"}, "attributes"),
        ({"a=b": "red"}, "attributes"),
        ({"a:b": "red"}, "attributes"),
        ({"colour": ""}, "attributes.colour"),
        ({"colour": "r" * (MAX_VALUE_LENGTH + 1)}, "attributes.colour"),
        ({"colour": {"name": "red"}}, "attributes.colour"),
        ({"colour": [["red"]]}, "attributes.colour"),
        ({"colour": float("nan")}, "attributes.colour"),
        ({"colour": 10**5000}, "attributes.colour"),
        ({"colour": "a\udfff"}, "attributes.colour"),
        ({"a\udfff": "red"}, "attributes.a\\udfff"),
        ({"size": list(range(MAX_ATTRIBUTES + 1))}, "attributes"),
    ],
    ids=range(15),
)
def test_what_cannot_be_meant_is_named_with_a_remedy(wrong: Any, field: str) -> None:
    with pytest.raises(InvalidValueError, match="; send ") as caught:
        parse_attributes(wrong)

    assert caught.value.field == field
    str(caught.value).encode()


def test_values_by_name_and_back_is_the_same() -> None:
    attributes = parse_attributes({"size": ["S", "M"], "odd": list(ODD_TEXTS)})

    assert attributes_of(values_by_name(attributes)) == attributes


def test_a_condition_is_cut_at_the_first_separator() -> None:
    assert parse_conditions(["colour=red", "is=a=b", "url=http://x"], "=") == {
        Attribute("colour", "red"),
        Attribute("is", "a=b"),
        Attribute("url", "http://x"),
    }
    assert parse_conditions(["colour:a:b=c"], ":") == {Attribute("colour", "a:b=c")}


@pytest.mark.parametrize("wrong", ["", "red", "=red", "colour=", "a:b=c", "n" * 65 + "=red", "colour=" + "r" * 257])
def test_a_condition_that_is_none_is_an_error_with_an_example(wrong: str) -> None:
    with pytest.raises(InvalidValueError, match="^where is .*; send name=value, such as colour=red"):
        parse_conditions(["size=S", wrong], "=")


def test_more_conditions_than_anybody_means_are_refused() -> None:
    with pytest.raises(InvalidValueError, match="^where names 51 values; send at most 50"):
        parse_conditions([f"size={n}" for n in range(51)], "=")

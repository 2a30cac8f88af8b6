"""The types of fields: what they read, and that their JSON Schema says the same."""

import re
from datetime import date, timedelta
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slotkeeper.api import fields
from slotkeeper.api.reading import _JSON
from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import parse_slot_id

KINDS = {name: kind for name, hint in vars(fields).items() for kind in get_args(hint) if isinstance(kind, fields.Kind)}
PATTERNED = {name: kind for name, kind in KINDS.items() if "pattern" in kind.schema}


def read(name: str, json: str) -> object:
    return KINDS[name].read(_JSON.decode(json))


@pytest.mark.parametrize(
    ("name", "json", "value"),
    [
        ("Uuid", '"0D6F2C9E-7A41-4B83-9C55-2F1E8A7B6D30"', "0d6f2c9e-7a41-4b83-9c55-2f1e8a7b6d30"),
        ("Date", '"2028-02-29"', date(2028, 2, 29)),
        ("WallTime", '"23:59"', "23:59"),
        ("Session", '"mORNING"', "Morning"),
        ("Day", '"Sunday"', "sunday"),
        ("Status", '"OPEN"', "OPEN"),
        ("Timezone", '"Asia/Kolkata"', "Asia/Kolkata"),
        ("Name", '"  Straße 7 "', "Straße 7"),
        ("Flag", "false", False),
        ("Places", "0", 0),
        ("Places", "10000.0", 10_000),
        ("Places", "1e3", 1_000),
        ("Places", "-0", 0),
        ("PlacesOfWindow", "1", 1),
    ],
)
def test_a_value_is_read(name: str, json: str, value: object) -> None:
    assert read(name, json) == value
    assert type(read(name, json)) is not bool or name == "Flag"


@pytest.mark.parametrize(
    ("name", "json"),
    [
        ("Uuid", '"{0d6f2c9e-7a41-4b83-9c55-2f1e8a7b6d30}"'),
        ("Uuid", '"0d6f2c9e7a414b839c552f1e8a7b6d30"'),
        ("Date", '"2027-02-29"'),
        ("Date", '"1999-12-31"'),
        ("Date", "20260615"),
        ("WallTime", '"24:00"'),
        ("WallTime", '"9:00"'),
        ("WallTime", '"09:00\\n"'),
        ("Session", '"Night"'),
        ("Status", '"open"'),
        ("Status", "true"),
        ("Timezone", '"europe/berlin"'),
        ("Timezone", '"../etc/passwd"'),
        ("Name", '""'),
        ("Name", '" \\t "'),
        ("Name", '"a\\u0000b"'),
        ("Name", '"a\\ud800b"'),
        ("Name", '"a\\nb"'),
        ("Name", f'"{"x" * 101}"'),
        ("Batch", f'"{"x" * 33}"'),
        ("Reason", f'"{"x" * 201}"'),
        ("Flag", "0"),
        ("Flag", '"true"'),
        ("Places", "true"),
        ("Places", '"20"'),
        ("Places", "20.5"),
        ("Places", "-1"),
        ("Places", "10001"),
        ("Places", "0.1e-400"),
        ("Places", "1e400"),
        ("Places", "9" * 5000),
        ("Places", "20.0000000000000000000000000001"),
        ("Places", "null"),
        ("PlacesOfWindow", "0"),
        ("Hours", "8761"),
        ("Days", "731"),
    ],
)
def test_a_value_of_another_kind_is_not_read(name: str, json: str) -> None:
    assert read(name, json) is None


@pytest.mark.parametrize("name", sorted(KINDS))
@pytest.mark.parametrize("value", [None, [], {}, [1], 1.5, "\ud800", "\x00", "", -1, 2**70, "\n".join("x" * 3000)])
def test_no_kind_stumbles_over_any_value(name: str, value: Any) -> None:
    assert KINDS[name].read(value) is None


@pytest.mark.parametrize("name", sorted(PATTERNED))
@given(data=st.data())
def test_what_a_pattern_of_the_schema_describes_is_read(name: str, data: st.DataObject) -> None:
    kind = PATTERNED[name]
    text = data.draw(st.from_regex(re.compile(str(kind.schema["pattern"])), fullmatch=True))
    longest = kind.schema.get("maxLength")
    if isinstance(longest, int):
        text = text[:longest]
    if re.fullmatch(str(kind.schema["pattern"]), text) and not re.search("[\ud800-\udfff]", text):
        assert kind.read(text) is not None


def test_the_pattern_of_dates_is_all_real_dates_of_its_years_and_no_other_text() -> None:
    pattern = re.compile(fields.DATE_PATTERN)
    first, last = date(2000, 1, 1), date(2100, 12, 31)
    real = {(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)}
    texts = {
        f"{year}-{month:02d}-{day:02d}"
        for year in (1999, *range(2000, 2102))
        for month in range(14)
        for day in range(33)
    }
    assert {text for text in texts if pattern.fullmatch(text)} == real


@pytest.mark.parametrize("parts", [(3,), (2,), (1, 2, 3)])
@given(data=st.data())
def test_slot_ids_of_the_schema_and_of_the_parser_are_the_same(parts: tuple[int, ...], data: st.DataObject) -> None:
    pattern = re.compile(str(fields.slot_id(*parts).schema["pattern"]))
    text = data.draw(st.from_regex(re.compile(str(fields.slot_id(1, 2, 3).schema["pattern"])), fullmatch=True))
    try:
        parse_slot_id(text, parts=parts)
        is_one = True
    except InvalidInput:
        is_one = False
    assert is_one == bool(pattern.fullmatch(text))

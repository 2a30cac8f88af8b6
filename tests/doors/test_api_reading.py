"""Requests read into shapes: everything that is wrong is said at once, and what would be right."""

import json
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET, Struct, UnsetType

from slotkeeper.api import fields
from slotkeeper.api.problems import problem
from slotkeeper.api.reading import expecting, read_body, read_changes, read_id, read_object, read_query, show
from slotkeeper.domain.errors import Detail, InvalidInput
from slotkeeper.domain.model import Session


class Filter(Struct, frozen=True, kw_only=True):
    date: fields.Date
    branch_id: Annotated[fields.Uuid | None, "Only this branch."] = None
    session: fields.Session | None = None


class Body(Struct, frozen=True, kw_only=True):
    name: fields.Name
    max_slots: fields.Places
    batch: fields.Batch | None = None
    active: fields.Flag = True


class Patch(Struct, frozen=True, kw_only=True):
    name: fields.Name | UnsetType = UNSET
    max_slots: fields.Places | UnsetType | None = UNSET


class Shown(Struct, frozen=True):
    body_id: str
    name: str
    max_slots: int
    is_open: bool
    batch: str | None


SHOWN = Shown("x", "A", 1, True, None)


def details(error: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, str]]:
    return [(detail.field, detail.message) for detail in error.value.details]


def query(raw: bytes) -> Filter:
    return read_query(Filter, raw)


def test_a_query_is_read() -> None:
    found = query(b"date=2026-06-15&session=MORNING&branch_id=0D6F2C9E-7A41-4B83-9C55-2F1E8A7B6D30")
    assert found.date.isoformat() == "2026-06-15"
    assert found.session is Session.MORNING
    assert found.branch_id == "0d6f2c9e-7a41-4b83-9c55-2f1e8a7b6d30"


@pytest.mark.parametrize("raw", [b"d%61te=2026%2D06-15", b"date=2026-06-15&", b"&date=2026-06-15&&x&y=1&y=2&%ff=%ff"])
def test_unknown_parameters_are_ignored_and_encoded_ones_decoded(raw: bytes) -> None:
    assert query(raw).date.isoformat() == "2026-06-15"


def test_an_optional_parameter_given_empty_counts_as_not_given_a_required_one_is_missed() -> None:
    assert query(b"date=2026-06-15&session=&branch_id").session is None
    for raw in (b"", b"date=", b"date"):
        with pytest.raises(InvalidInput) as error:
            query(raw)
        assert details(error) == [
            ("date", "'date' is required: it must be a real date, written YYYY-MM-DD, in the years 2000 to 2100.")
        ]


def test_all_wrong_parameters_are_told_at_once_each_once() -> None:
    with pytest.raises(InvalidInput) as error:
        query(b"date=soon&session=Night&branch_id=1&session=Evening")
    assert [field for field, _ in details(error)] == ["session", "date", "branch_id"]
    assert details(error)[1][1].endswith(', not "soon".')


@pytest.mark.parametrize("raw", [b"date=%ff", b"date=\xff", b"date=%00", b"date=%ed%a0%80"])
def test_what_is_no_text_is_no_value_either(raw: bytes) -> None:
    with pytest.raises(InvalidInput) as error:
        query(raw)
    error.value.message.encode()


@given(st.binary(max_size=700))
def test_no_query_string_whatsoever_stumbles(raw: bytes) -> None:
    try:
        query(raw)
    except InvalidInput as error:
        problem(error)


def body(**given: object) -> Body:
    return read_body(Body, json.dumps(given).encode())


def test_a_body_is_read() -> None:
    assert body(name=" A ", max_slots=20.0) == Body(name="A", max_slots=20)
    assert body(name="A", max_slots=1, batch=None, active=False) == Body(name="A", max_slots=1, active=False)


def test_all_wrong_fields_are_told_at_once_with_what_would_be_right() -> None:
    with pytest.raises(InvalidInput) as error:
        body(nane="A", max_slots="abc", active=None)
    assert details(error) == [
        ("nane", "\"nane\" is no field of this request; the fields are 'name', 'max_slots', 'batch', 'active'."),
        (
            "name",
            "'name' is required: it must be a text of 1 to 100 characters, not blank and without control characters.",
        ),
        ("max_slots", "'max_slots' must be a whole number from 0 to 10,000, not \"abc\"."),
        ("active", "'active' must be true or false, not null."),
    ]
    assert error.value.message == " ".join(message for _, message in details(error))


def test_thousands_of_unknown_fields_make_no_long_answer() -> None:
    with pytest.raises(InvalidInput) as error:
        body(**{f"x{number}": 1 for number in range(5_000)})
    assert details(error)[10] == ("", "And 4990 more fields are none of this request.")
    assert len(error.value.message) < 5_000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "The body is empty; it must be a JSON object."),
        (b"\xff{}", "The body is not UTF-8: byte 0 is none of it."),
        (b"\xef\xbb\xbf{}", "The body is not JSON (Expecting value: line 1, column 1); it must be a JSON object."),
        (b"{", "line 1, column 2"),
        (b"[]", "The body must be a JSON object, not a list."),
        (b'"x"', 'The body must be a JSON object, not "x".'),
        (b"12", "The body must be a JSON object, not 12."),
        (b'{"a": NaN}', "NaN is no JSON number"),
        (b'{"a": -Infinity}', "-Infinity is no JSON number"),
        (b'{"a": 1e99999999999999999999}', "a number that nobody can count to"),
        (b"[" * 60_000, "nested too deeply"),
        (b'{"a":' * 10_000, "nested too deeply"),
        (b'{"a": {"b": 1, "b": 2}}', 'The field "b" is given more than once; give it once.'),
        (b'{"\\ud800": 1, "\\ud800": 2}', '"\\ud800"'),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_reason(raw: bytes, said: str) -> None:
    with pytest.raises(InvalidInput) as error:
        read_object(raw)
    assert said in error.value.message
    error.value.message.encode()


@given(st.binary(max_size=200) | st.text().map(str.encode))
def test_no_body_whatsoever_stumbles(raw: bytes) -> None:
    try:
        read_body(Body, raw)
    except InvalidInput as error:
        problem(error)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(categories=None), max_size=50),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from(["name", "max_slots", "batch", "active", "x\ud800"]), JSON))
def test_no_value_of_a_field_stumbles(given: dict[str, object]) -> None:
    try:
        body(**given)
    except InvalidInput as error:
        problem(error)


def changes(raw: str) -> tuple[dict[str, object], dict[str, object]]:
    given, echoed = read_changes(Patch, Shown, raw.encode())
    return dict(given), dict(echoed)


def test_a_patch_is_split_into_what_it_changes_and_what_it_repeats() -> None:
    assert changes('{"name": " B ", "body_id": "x", "is_open": true}') == (
        {"name": "B"},
        {"body_id": "x", "is_open": True},
    )
    assert changes('{"max_slots": null}') == ({"max_slots": None}, {})
    assert changes('{"batch": null}') == ({}, {"batch": None})


def test_a_patch_needs_a_field() -> None:
    with pytest.raises(InvalidInput) as error:
        changes("{}")
    assert details(error) == [("", "The body names no field to change; give at least one of 'name', 'max_slots'.")]


def test_a_patch_says_where_null_would_be_right() -> None:
    with pytest.raises(InvalidInput) as error:
        changes('{"name": null, "max_slots": -1, "y": 1}')
    assert [message for _, message in details(error)] == [
        "\"y\" is no field of this request; the fields are 'name', 'max_slots'.",
        "'name' must be a text of 1 to 100 characters, not blank and without control characters, not null.",
        "'max_slots' must be a whole number from 0 to 10,000, or null, not -1.",
    ]


@pytest.mark.parametrize("raw", ['{"body_id": "x"}', '{"is_open": true}', '{"batch": null}', '{"name": "B"}'])
def test_what_equals_the_answer_may_be_repeated(raw: str) -> None:
    expecting(read_changes(Patch, Shown, raw.encode()).echoed, lambda shown: shown)(SHOWN)


@pytest.mark.parametrize(
    "raw", ['{"body_id": "y"}', '{"is_open": 1}', '{"is_open": "true"}', '{"batch": ""}', '{"batch": [{}]}']
)
def test_what_differs_from_the_answer_is_refused(raw: str) -> None:
    name = next(iter(json.loads(raw)))
    with pytest.raises(InvalidInput) as error:
        expecting(read_changes(Patch, Shown, raw.encode()).echoed, lambda shown: shown)(SHOWN)
    assert [field for field, _ in details(error)] == [name]
    assert details(error)[0][1].startswith(f"'{name}' cannot be changed here: leave it out, or send ")


def test_an_id_of_the_path_is_read_in_any_case_or_refused() -> None:
    assert read_id("branch_id", "0D6F2C9E-7A41-4B83-9C55-2F1E8A7B6D30") == "0d6f2c9e-7a41-4b83-9c55-2f1e8a7b6d30"
    with pytest.raises(InvalidInput) as error:
        read_id("branch_id", "\ufffd" * 300)
    assert error.value.details == [Detail("branch_id", f"'branch_id' must be a UUID, not \"{chr(0xFFFD) * 40}…\".")]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a" * 50, f'"{"a" * 40}…"'),
        ("\ud800", '"\\ud800"'),
        ('"', '"\\""'),
        (None, "null"),
        ([1], "a list"),
        ({}, "an object"),
    ],
)
def test_a_wrong_value_is_shown_short(value: object, shown: str) -> None:
    assert show(value) == shown

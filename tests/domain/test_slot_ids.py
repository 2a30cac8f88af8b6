"""The one parser of ``slot_id``: what it takes, what it refuses, and that nothing else comes out of it."""

from datetime import date

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from slotkeeper.domain.errors import InvalidInput
from slotkeeper.domain.slot_ids import SlotId, parse_date, parse_slot_id, parse_uuid

ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
SERVICE = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
THREE = f"{ID}||2026-06-15||{SERVICE}"
ANY = (1, 2, 3)


def test_each_form_is_taken_apart_and_written_back() -> None:
    assert parse_slot_id(ID, parts=ANY) == SlotId(ID)
    assert parse_slot_id(f"{ID}||2026-06-15", parts=ANY) == SlotId(ID, date(2026, 6, 15))
    assert parse_slot_id(THREE, parts=ANY) == SlotId(ID, date(2026, 6, 15), SERVICE)
    for text in (ID, f"{ID}||2026-06-15", THREE):
        assert str(parse_slot_id(text, parts=ANY)) == text


def test_uuids_are_read_in_any_case_and_written_in_lower_case() -> None:
    assert str(parse_slot_id(THREE.upper(), parts=ANY)) == THREE


@pytest.mark.parametrize(
    "text",
    [
        "", "||", "||||", "|", "x", ID[:-1], ID + "0", ID.replace("-", ""), "{" + ID + "}", f"urn:uuid:{ID}",
        f" {ID}", f"{ID} ", f"{ID}\n", f"{ID}||", f"{ID}||2026-06-15||", f"||2026-06-15||{SERVICE}",
        f"{ID}||||{SERVICE}",
        f"{ID}|2026-06-15", f"{ID}|||2026-06-15", f"{ID}||2026-6-15", f"{ID}||2026-02-29", f"{ID}||1999-12-31",
        f"{ID}||2101-01-01", f"{ID}||20260615", f"{ID}||2026-06-15T00:00", f"{ID}||2026-W25-1", f"{ID}||２０２６-06-15",
        f"{THREE}||", f"{THREE}||{SERVICE}", f"{ID}||2026-06-15||General Checkup", f"{ID}%7C%7C2026-06-15",
        ID.replace("a", "а"), "\x00" + ID, f"{ID}||{SERVICE}||2026-06-15",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_the_form_that_would_be_right(text: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        parse_slot_id(text, parts=ANY)
    assert refusal.value.code == "VALIDATION_ERROR"
    assert "calendar_id||YYYY-MM-DD||appointment_type_id" in refusal.value.message
    assert [detail.field for detail in refusal.value.details] == ["slot_id"]


@pytest.mark.parametrize("parts", [(1,), (2,), (3,), (1, 3)])
def test_a_form_that_is_not_asked_for_is_refused(parts: tuple[int, ...]) -> None:
    for number, text in enumerate((ID, f"{ID}||2026-06-15", THREE), start=1):
        if number in parts:
            assert str(parse_slot_id(text, parts=parts)) == text
        else:
            with pytest.raises(InvalidInput):
                parse_slot_id(text, parts=parts)


uuids = st.uuids().map(str)
dates = st.dates(date(2000, 1, 1), date(2100, 12, 31))


@given(uuids, dates, uuids)
def test_every_well_formed_slot_id_comes_back_as_it_went_in(calendar_id: str, on: date, service_id: str) -> None:
    text = f"{calendar_id}||{on}||{service_id}"
    assert parse_slot_id(text, parts=(3,)) == SlotId(calendar_id, on, service_id)
    assert str(parse_slot_id(text.upper(), parts=(3,))) == text


pieces = st.one_of(
    uuids, dates.map(str), st.sampled_from(["||", "|", "", "-", ID, "2026-02-30", "\x00", "٣"]), st.text(max_size=5)
)


@given(st.lists(pieces, max_size=7).map("".join))
@example(f"{ID}||2026-06-15\n")
def test_the_parser_takes_only_what_it_would_write_and_refuses_the_rest_in_one_way(text: str) -> None:
    try:
        taken = parse_slot_id(text, parts=ANY)
    except InvalidInput as refusal:
        assert refusal.message  # noqa: PT017 - both ways out are right, but only with a sentence
    else:
        assert str(taken) == text.lower()


@given(st.text(max_size=40))
def test_a_uuid_or_date_is_taken_only_as_it_would_be_written(text: str) -> None:
    assert parse_uuid(text) in (None, text.lower())
    found = parse_date(text)
    assert found is None or (str(found) == text and 2000 <= found.year <= 2100)

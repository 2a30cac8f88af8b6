"""Contract section 6, sentence by sentence: duplicates, token numbers, clock changes, and finding appointments."""

import asyncio
from typing import Any

import httpx
import pytest

from slotkeeper.domain import access
from slotkeeper.operations import upkeep
from tests import direct
from tests.contract.test_section_6_appointments import UNKNOWN, Clinic
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good, plus_days, refused

NEXT = plus_days(MONDAY, 7)


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def change(clinic: Clinic, data: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return dict(good(clinic.owner.patch(f"{APPOINTMENTS}/{data['appointment_id']}?expand=slot", fields))["data"])


def found(client: Client, **filters: Any) -> list[str]:
    """The names of the patients of the appointments that a search lists."""
    return [one["patient_name"] for one in good(client.get(APPOINTMENTS, **filters))["data"]]


@pytest.mark.parametrize("name", ["Ada Lovelace", "  ADA \u2003 LOVELACE ", "ａｄａ lovelace"])
@pytest.mark.parametrize("phone", ["+49 151 7654321", "0049-151-7654321", "491517654321"])
def test_the_same_patient_is_refused_however_name_and_phone_are_written(clinic: Clinic, name: str, phone: str) -> None:
    first = clinic.book()
    answer = clinic.ask(patient_name=name, parent_phone=phone, appointment_date=f"{NEXT}T10:00:00Z")
    assert first["appointment_id"] in refused(answer, 409, "DUPLICATE_BOOKING")["message"]
    assert clinic.filled(NEXT) == {clinic.window: 0}


def test_a_refused_duplicate_changes_nothing_of_what_is_stored(clinic: Clinic) -> None:
    clinic.book()
    org_id = clinic.org_id
    before = direct.dump(clinic.world.url, org_id) | {"audit": []}
    refused(clinic.ask(appointment_date=f"{NEXT}T10:00:00Z"), 409, "DUPLICATE_BOOKING")
    assert direct.dump(clinic.world.url, org_id) | {"audit": []} == before


def test_another_name_phone_service_or_organization_is_no_duplicate(clinic: Clinic, outsider: Client) -> None:
    clinic.book()
    other = clinic.owner.service("Vaccination")
    for fields in ({"patient_name": "Ada Byron"}, {"parent_phone": "+49 151 7654322"}, {"appointment_type": other}):
        good(clinic.ask(**fields), 201)
    outsider.branch("Elsewhere")
    service = outsider.service("Checkup")
    outsider.window()
    good(clinic.ask(outsider, appointment_type=service), 201)


def test_only_what_is_confirmed_or_rescheduled_and_still_to_come_stands(clinic: Clinic) -> None:
    first = clinic.book()
    change(clinic, first, appointment_date=f"{MONDAY}T10:00:00Z")
    refused(clinic.ask(appointment_date=f"{NEXT}T10:00:00Z"), 409, "DUPLICATE_BOOKING")
    change(clinic, first, status="cancelled")
    second = clinic.book()
    change(clinic, second, status="completed")
    clinic.book()
    clinic.world.clock.set(f"{MONDAY}T09:30:00.001Z")
    good(clinic.ask(appointment_date=f"{NEXT}T10:00:00Z"), 201)


def test_confirming_again_can_be_a_duplicate_too(clinic: Clinic) -> None:
    first = change(clinic, clinic.book(), status="cancelled")
    second = clinic.book()
    answer = clinic.owner.patch(f"{APPOINTMENTS}/{first['appointment_id']}", {"status": "confirmed"})
    assert second["appointment_id"] in refused(answer, 409, "DUPLICATE_BOOKING")["message"]


def test_an_organization_may_allow_duplicates(clinic: Clinic) -> None:
    clinic.rules(allow_duplicate_booking=True)
    clinic.book()
    clinic.book()
    clinic.rules(allow_duplicate_booking=False)
    refused(clinic.ask(), 409, "DUPLICATE_BOOKING")


def test_two_such_bookings_at_once_give_one_201_and_one_409_also_in_different_windows(clinic: Clinic) -> None:
    clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00")
    bodies = [clinic.body(), clinic.body(appointment_date=f"{MONDAY}T17:30:00Z")]
    headers = {"authorization": f"Bearer {clinic.owner.key}"}

    async def both() -> list[httpx.Response]:
        return await asyncio.gather(
            *(clinic.world.http.post(APPOINTMENTS, json=body, headers=headers) for body in bodies)
        )

    assert sorted(answer.status_code for answer in clinic.world.run(both())) == [201, 409]
    assert sum(clinic.filled().values()) == 1


def test_a_refused_booking_leaves_no_trace_of_the_patient(clinic: Clinic) -> None:
    refused(clinic.ask(appointment_date=f"{MONDAY}T13:00:00Z"), 422, "OUTSIDE_AVAILABILITY")
    assert "lovelace" not in repr(direct.dump(clinic.world.url, clinic.org_id))


def test_erasing_a_patient_takes_the_claim_along_whoever_asked_last(clinic: Clinic) -> None:
    clinic.book()
    refused(clinic.ask(), 409, "DUPLICATE_BOOKING")
    world, operator = clinic.world, access.operator(clinic.org_id)
    world.run(upkeep.erase_patient(world.db, operator, phone="+49 151 7654321", name=None, now=world.clock()))
    assert "lovelace" not in repr(direct.dump(world.url, clinic.org_id))


def test_of_those_who_were_erased_none_is_a_duplicate_of_another(clinic: Clinic) -> None:
    made = [clinic.book(patient_name=name) for name in ("Ada", "Grace")]
    for data in made:
        change(clinic, data, status="cancelled")
    world, operator = clinic.world, access.operator(clinic.org_id)
    world.run(upkeep.erase_patient(world.db, operator, phone="+49 151 7654321", name=None, now=world.clock()))
    for data in made:
        assert change(clinic, data, status="confirmed")["status"] == "confirmed"


def test_tokens_count_up_per_window_date_and_are_never_given_twice(clinic: Clinic) -> None:
    assert clinic.book(patient_name="P 0")["token"] is None
    clinic.rules(token_numbers=True)
    made = [clinic.book(patient_name=f"P {number}") for number in (1, 2, 3)]
    assert [data["token"] for data in made] == [1, 2, 3]
    assert clinic.book(patient_name="P 4", appointment_date=f"{NEXT}T09:30:00Z")["token"] == 1
    change(clinic, made[2], status="cancelled")
    assert clinic.book(patient_name="P 5")["token"] == 4
    assert change(clinic, made[2], status="confirmed")["token"] == 3  # its own again
    moved = change(clinic, made[0], appointment_date=f"{NEXT}T09:30:00Z")
    assert moved["token"] == 2
    assert change(clinic, moved, appointment_date=f"{MONDAY}T09:30:00Z")["token"] == 5
    answer = good(clinic.ask(patient_name="P 6"), 201)
    assert answer["token"] == answer["data"]["token"] == 6


def test_a_change_of_zone_moves_the_instant_never_the_date_the_window_or_a_count(clinic: Clinic) -> None:
    data = clinic.book()
    good(clinic.owner.patch(f"/v1/branches/{clinic.branch}", {"timezone": "Asia/Kolkata"}))
    now = good(clinic.owner.get(f"{APPOINTMENTS}/{data['appointment_id']}", expand="slot"))["data"]
    assert now == data | {"appointment_date": f"{MONDAY}T04:00:00.000Z"}
    assert clinic.filled() == {clinic.window: 1}


def test_a_wall_time_that_occurs_twice_belongs_to_the_window_both_times(clinic: Clinic) -> None:
    berlin = clinic.owner.branch("Berlin", timezone="Europe/Berlin")
    night = {"day": "sunday", "branch_id": berlin, "start_time": "02:00", "end_time": "03:00"}
    clinic.owner.window(**night)
    for number, when in enumerate(("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")):
        data = clinic.book(branch_id=berlin, appointment_date=when, patient_name=f"P {number}")
        assert (data["date"], data["start_time"]) == ("2026-10-25", "02:30")


def test_a_window_in_the_skipped_hour_is_closed_and_one_partly_in_it_bookable_for_the_rest(clinic: Clinic) -> None:
    berlin = clinic.owner.branch("Berlin", timezone="Europe/Berlin")
    clinic.owner.window(day="sunday", branch_id=berlin, start_time="02:00", end_time="03:00")
    assert [slot["slot_id"] for slot in clinic.owner.slots("2027-03-28")] == []
    clinic.owner.window(day="sunday", branch_id=berlin, session="Evening", start_time="02:30", end_time="03:30")
    data = clinic.book(branch_id=berlin, appointment_date="2027-03-28T01:15:00Z")
    assert (data["start_time"], data["session"]) == ("03:15", "Evening")


def test_a_search_pages_through_everything_in_the_order_of_time(clinic: Clinic) -> None:
    times = [f"{NEXT}T09:10:00Z", f"{MONDAY}T10:20:00Z", f"{MONDAY}T09:30:00Z", f"{MONDAY}T09:05:00Z"]
    for number, when in enumerate(times):
        clinic.book(patient_name=f"P {number}", appointment_date=when)
    answer = good(clinic.owner.get(APPOINTMENTS))
    assert list(answer) == ["success", "data", "pagination"]
    assert answer["pagination"] == {"page": 1, "limit": 50, "total": 4, "total_pages": 1}
    assert found(clinic.owner) == ["P 3", "P 2", "P 1", "P 0"]
    answer = good(clinic.owner.get(APPOINTMENTS, page="2", limit="3"))
    assert [one["patient_name"] for one in answer["data"]] == ["P 0"]
    assert answer["pagination"] == {"page": 2, "limit": 3, "total": 4, "total_pages": 2}
    assert found(clinic.owner, page="9") == []
    for wrong in ({"page": "0"}, {"limit": "0"}, {"limit": "201"}, {"page": "x"}, {"limit": "1.5"}):
        refused(clinic.owner.get(APPOINTMENTS, **wrong), 400, "VALIDATION_ERROR")


def test_a_search_of_nothing_has_no_page(clinic: Clinic) -> None:
    assert good(clinic.owner.get(APPOINTMENTS))["pagination"]["total_pages"] == 0


def test_a_search_filters_by_everything_that_it_says(clinic: Clinic) -> None:
    other = clinic.owner.service("Vaccination")
    ada = clinic.book(external_reference_id="crm-7")
    clinic.owner.window(session="Evening", start_time="17:00", end_time="19:00", batch_name="E1")
    grace = {"patient_name": "Grace Hopper", "parent_phone": "030 123456", "appointment_type": other}
    change(clinic, clinic.book(**grace, appointment_date=f"{NEXT}T17:30:00Z"), status="completed")
    for filters, name in (
        ({"date": MONDAY}, "Ada Lovelace"), ({"date": NEXT}, "Grace Hopper"), ({"status": "completed"}, "Grace Hopper"),
        ({"status": "confirmed"}, "Ada Lovelace"), ({"appointment_type": "vaccination"}, "Grace Hopper"),
        ({"appointment_type": clinic.service}, "Ada Lovelace"), ({"session": "evening"}, "Grace Hopper"),
        ({"batch": "MA"}, "Ada Lovelace"), ({"parent_phone": "0049 151 7654321"}, "Ada Lovelace"),
        ({"patient_name": "grace  HOPPER"}, "Grace Hopper"), ({"external_reference_id": "crm-7"}, "Ada Lovelace"),
        ({"date_from": plus_days(MONDAY, 1), "date_to": NEXT}, "Grace Hopper"), ({"date_from": MONDAY}, "Ada Lovelace"),
    ):  # fmt: skip
        assert found(clinic.owner, **filters) == [name], filters
    assert len(found(clinic.owner, branch_id=clinic.branch)) == 2
    assert found(clinic.owner, branch_id=UNKNOWN) == found(clinic.owner, date=plus_days(MONDAY, 1)) == []
    assert ada["external_reference_id"] == "crm-7"
    refused(clinic.owner.get(APPOINTMENTS, date_from=MONDAY, date_to=plus_days(MONDAY, 366)), 400, "VALIDATION_ERROR")
    refused(clinic.owner.get(APPOINTMENTS, date_from=NEXT, date_to=MONDAY), 400, "VALIDATION_ERROR")


def test_the_date_is_the_branch_local_date_that_the_answer_shows(clinic: Clinic) -> None:
    tokyo = clinic.owner.branch("Tokyo", timezone="Asia/Tokyo")
    clinic.owner.window(branch_id=tokyo, start_time="06:00", end_time="08:00")
    clinic.book(branch_id=tokyo, appointment_date=f"{plus_days(MONDAY, -1)}T21:30:00Z")
    assert found(clinic.owner, date=MONDAY) == ["Ada Lovelace"]
    assert found(clinic.owner, date=plus_days(MONDAY, -1)) == []


def test_updated_since_lists_what_changed_in_the_order_of_its_change(clinic: Clinic) -> None:
    first, second, _ = (clinic.book(patient_name=f"P {number}") for number in range(3))
    clinic.world.clock.advance(minutes=1)
    change(clinic, second, notes="x")
    clinic.world.clock.advance(minutes=1)
    change(clinic, first, status="cancelled")
    assert found(clinic.owner, updated_since="2026-06-01T08:01:00Z") == ["P 1", "P 0"]
    assert found(clinic.owner, updated_since="2026-06-01T08:03:00Z") == []
    assert found(clinic.owner, updated_since="2026-06-01T10:00:00+02:00")[1:] == ["P 1", "P 0"]


def test_external_references_need_not_be_unique(clinic: Clinic) -> None:
    for number in range(2):
        clinic.book(patient_name=f"P {number}", external_reference_id="same")
    assert len(found(clinic.owner, external_reference_id="same")) == 2

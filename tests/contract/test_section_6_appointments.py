"""Contract section 6, sentence by sentence: booking an appointment, and what may refuse it."""

import asyncio
import re
from typing import Any

import httpx
import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.domain.model import Channel
from slotkeeper.operations import upkeep
from tests import direct
from tests.world import APPOINTMENTS, MONDAY, Cast, Client, World, good, plus_days, refused

UNKNOWN = "00000000-0000-4000-8000-000000000000"
SHOWN = [
    "appointment_id", "appointment_type", "branch_id", "date", "session", "batch", "token", "patient_name",
    "parent_phone", "assigned_doctor", "status", "external_reference_id", "created_at", "updated_at",
]  # fmt: skip
EXPANDED = [*SHOWN, "appointment_date", "start_time", "slot_id", "channel", "notes"]


class Clinic:
    """One branch, one service, one window on Monday mornings; and somebody of the staff."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        self.branch = owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(batch_name="MA")
        self.staff = world.key(cast.owner_org, channel=Channel.STAFF)

    def body(self, **fields: Any) -> dict[str, Any]:
        wanted = {
            "appointment_type": self.service,
            "appointment_date": f"{MONDAY}T09:30:00Z",
            "patient_name": "Ada Lovelace",
            "parent_phone": "+49 151 7654321",
        }
        return {name: value for name, value in (wanted | fields).items() if value is not ...}

    def ask(self, client: Client | None = None, /, **fields: Any) -> httpx.Response:
        return (client or self.owner).post(APPOINTMENTS, self.body(**fields))

    def book(self, client: Client | None = None, /, **fields: Any) -> dict[str, Any]:
        """The ``data`` of a booking with all there is to show."""
        answer = (client or self.owner).post(f"{APPOINTMENTS}?expand=slot", self.body(**fields))
        return dict(good(answer, 201)["data"])

    def rules(self, **settings: Any) -> None:
        good(self.owner.patch("/v1/appointment-config", settings))

    def filled(self, on: str = MONDAY) -> dict[str, int]:
        return {slot["calendar_id"]: slot["filled_slots"] for slot in self.owner.slots(on)}


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


def test_a_booking_answers_its_id_its_token_and_exactly_the_keys_of_an_appointment(clinic: Clinic) -> None:
    answer = good(clinic.ask(), 201)
    assert list(answer) == ["success", "appointment_id", "token", "data"]
    data = answer["data"]
    assert list(data) == SHOWN
    assert re.fullmatch("appt_[a-z0-9]{10}", answer["appointment_id"])
    assert data["appointment_id"] == answer["appointment_id"]
    assert answer["token"] is data["token"] is None
    shown = {name: data[name] for name in SHOWN[1:-2]}
    assert shown == {
        "appointment_type": clinic.service, "branch_id": clinic.branch, "date": MONDAY, "session": "Morning",
        "batch": "MA", "token": None, "patient_name": "Ada Lovelace", "parent_phone": "+49 151 7654321",
        "assigned_doctor": None, "status": "confirmed", "external_reference_id": None,
    }  # fmt: skip
    assert data["created_at"] == data["updated_at"] == "2026-06-01T08:00:00.000Z"
    assert clinic.filled() == {clinic.window: 1}


def test_expand_slot_adds_where_and_when_it_is_the_channel_and_the_notes(clinic: Clinic) -> None:
    data = clinic.book(notes="First visit", assigned_doctor="Dr. Who", external_reference_id="crm-7")
    assert list(data) == EXPANDED
    assert data["appointment_date"] == f"{MONDAY}T09:30:00.000Z"
    assert data["start_time"] == "09:30"
    assert data["slot_id"] == f"{clinic.window}||{MONDAY}||{clinic.service}"
    assert (data["channel"], data["notes"]) == ("ai", "First visit")
    assert (data["assigned_doctor"], data["external_reference_id"]) == ("Dr. Who", "crm-7")
    path = f"{APPOINTMENTS}/{data['appointment_id']}"
    assert good(clinic.owner.get(path, expand="slot"))["data"] == data
    assert good(clinic.owner.get(APPOINTMENTS, expand="slot"))["data"] == [data]
    assert list(good(clinic.owner.get(path))["data"]) == SHOWN
    assert list(good(clinic.owner.patch(f"{path}?expand=slot", {"notes": None}))["data"]) == EXPANDED
    refused(clinic.owner.get(path, expand="all"), 400, "VALIDATION_ERROR")


def test_booking_needs_the_scope_appointments_write_and_reading_appointments_read(world: World, clinic: Clinic) -> None:
    data = clinic.book()
    path = f"{APPOINTMENTS}/{data['appointment_id']}"
    reader = world.key(clinic.org_id, [Scope.APPOINTMENTS_READ])
    writer = world.key(clinic.org_id, [Scope.APPOINTMENTS_WRITE])
    for answer in (clinic.ask(reader, patient_name="Grace"), reader.patch(path, {"notes": "x"})):
        assert "appointments:write" in refused(answer, 403, "INSUFFICIENT_SCOPE")["message"]
    for answer in (writer.get(path), writer.get(APPOINTMENTS)):
        assert "appointments:read" in refused(answer, 403, "INSUFFICIENT_SCOPE")["message"]
    good(clinic.ask(writer, patient_name="Grace"), 201)
    assert good(reader.get(path))["data"]["appointment_id"] == data["appointment_id"]


@pytest.mark.parametrize("name", ["appointment_type", "appointment_date", "patient_name", "parent_phone"])
def test_a_booking_without_what_it_needs_is_refused(clinic: Clinic, name: str) -> None:
    error = refused(clinic.ask(**{name: ...}), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == [name]
    assert clinic.filled() == {clinic.window: 0}


@pytest.mark.parametrize(
    "when", [MONDAY, f"{MONDAY}T09:30", f"{MONDAY}T09:30:00", "2026-02-30T09:30Z", "1999-06-14T09:30Z", "soon", 7, None]
)  # fmt: skip
def test_an_appointment_date_needs_a_time_part_and_z_or_an_offset(clinic: Clinic, when: object) -> None:
    refused(clinic.ask(appointment_date=when), 400, "VALIDATION_ERROR")


@pytest.mark.parametrize(
    "when", [f"{MONDAY}T09:30Z", f"{MONDAY}T11:30:00+02:00", f"{MONDAY}T04:00:00.000-05:30", f"{MONDAY}t09:30:00z"]
)
def test_an_appointment_date_is_read_with_any_offset(clinic: Clinic, when: str) -> None:
    assert clinic.book(appointment_date=when)["appointment_date"] == f"{MONDAY}T09:30:00.000Z"


@pytest.mark.parametrize("phone", ["12345", "1" * 16, "call me", "+49 151 CALL ME", "", 491517654321])
def test_a_phone_number_has_6_to_15_digits(clinic: Clinic, phone: object) -> None:
    refused(clinic.ask(parent_phone=phone), 400, "VALIDATION_ERROR")
    good(clinic.ask(parent_phone="123456"), 201)
    good(clinic.ask(parent_phone="(123) 456-789/012.345"), 201)


def test_the_service_is_a_uuid_or_a_name_in_any_case(clinic: Clinic) -> None:
    for number, service in enumerate((clinic.service.upper(), "CHECKUP", " check\u00adup".replace("\u00ad", ""))):
        assert clinic.book(appointment_type=service, patient_name=f"P {number}")["appointment_type"] == clinic.service


def test_an_unknown_service_is_404_and_an_inactive_one_is_outside_availability(clinic: Clinic) -> None:
    for unknown in (UNKNOWN, "Surgery"):
        refused(clinic.ask(appointment_type=unknown), 404, "NOT_FOUND")
    good(clinic.owner.patch(f"/v1/services/{clinic.service}", {"active": False}))
    refused(clinic.ask(), 422, "OUTSIDE_AVAILABILITY")


def test_the_branch_is_needed_only_with_several(clinic: Clinic) -> None:
    assert clinic.book()["branch_id"] == clinic.branch
    other = clinic.owner.branch("Harbour")
    error = refused(clinic.ask(patient_name="Grace"), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["branch_id"]
    good(clinic.ask(patient_name="Grace", branch_id=clinic.branch.upper()), 201)
    refused(clinic.ask(patient_name="Alan", branch_id=other), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(patient_name="Alan", branch_id=UNKNOWN), 404, "NOT_FOUND")


def test_the_instant_becomes_the_branchs_local_date_and_wall_time(clinic: Clinic) -> None:
    tokyo = clinic.owner.branch("Tokyo", timezone="Asia/Tokyo")
    clinic.owner.window(branch_id=tokyo)
    data = clinic.book(branch_id=tokyo, appointment_date=f"{plus_days(MONDAY, -1)}T20:15:00-04:00")
    assert (data["date"], data["start_time"]) == (MONDAY, "09:15")
    assert data["appointment_date"] == f"{MONDAY}T00:15:00.000Z"


@pytest.mark.parametrize(
    ("time", "fits"), [("08:59:59.999", False), ("09:00", True), ("10:59:59.999", True), ("11:00", False)]
)
def test_a_window_holds_the_times_from_its_start_to_before_its_end(clinic: Clinic, time: str, fits: bool) -> None:
    answer = clinic.ask(appointment_date=f"{MONDAY}T{time}Z")
    if fits:
        good(answer, 201)
    else:
        refused(answer, 422, "OUTSIDE_AVAILABILITY")


def test_the_weekday_the_session_the_batch_and_the_service_must_be_the_windows(clinic: Clinic) -> None:
    refused(clinic.ask(appointment_date=f"{plus_days(MONDAY, 1)}T09:30:00Z"), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(session="Evening"), 422, "OUTSIDE_AVAILABILITY")
    refused(clinic.ask(batch="MB"), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"appointment_type_id": clinic.service}))
    other = clinic.owner.service("Vaccination")
    refused(clinic.ask(appointment_type=other), 422, "OUTSIDE_AVAILABILITY")
    data = clinic.book(session="morning", batch="MA")
    assert (data["session"], data["batch"]) == ("Morning", "MA")


def test_the_first_with_room_is_taken_by_start_time_then_batch(clinic: Clinic) -> None:
    late = clinic.owner.window(start_time="09:30", end_time="12:00", max_slots=1, session="Evening")
    first = clinic.owner.window(max_slots=1)  # no batch comes before any
    early = clinic.owner.window(start_time="08:00", end_time="10:00", max_slots=1, session="Afternoon")
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"max_slots": 1}))
    taken = [clinic.book(patient_name=f"P {number}")["slot_id"][:36] for number in range(4)]
    assert taken == [early, first, clinic.window, late]
    assert "09:30" in refused(clinic.ask(patient_name="P 5"), 409, "SLOT_FULL")["message"]


def test_of_windows_that_are_alike_the_lowest_id_is_first(clinic: Clinic) -> None:
    other = clinic.owner.service("Vaccination")
    windows = [clinic.owner.window(batch_name="AA", max_slots=1, appointment_type_id=clinic.service)]
    windows += [clinic.owner.window(batch_name="AA", max_slots=1, session="Evening")]
    assert other
    taken = [clinic.book(patient_name=f"P {number}")["slot_id"][:36] for number in range(2)]
    assert taken == sorted(windows)


def test_an_instant_that_is_past_is_outside_availability(clinic: Clinic) -> None:
    clinic.world.clock.set(f"{MONDAY}T09:30:00.001Z")
    refused(clinic.ask(), 422, "OUTSIDE_AVAILABILITY")
    clinic.world.clock.set(f"{MONDAY}T09:30:00Z")
    good(clinic.ask(), 201)


def test_a_closed_record_and_a_disabled_window_take_no_booking(clinic: Clinic) -> None:
    good(clinic.owner.override(clinic.window, MONDAY, status="CLOSED"))
    refused(clinic.ask(), 422, "OUTSIDE_AVAILABILITY")
    good(clinic.owner.override(clinic.window, MONDAY, clinic.service, status="OPEN"))
    good(clinic.ask(), 201)
    good(clinic.owner.post(f"/v1/appointment-slots/{clinic.window}/disable"))
    refused(clinic.ask(patient_name="Grace"), 422, "OUTSIDE_AVAILABILITY")


def test_the_key_that_asks_says_the_channel_and_its_limit(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"ai_slots": 1, "max_slots": 2}))
    assert clinic.book()["channel"] == "ai"
    assert "staff" in refused(clinic.ask(patient_name="Grace"), 409, "SLOT_FULL")["message"]
    assert clinic.book(clinic.staff, patient_name="Grace")["channel"] == "staff"
    refused(clinic.ask(clinic.staff, patient_name="Alan"), 409, "SLOT_FULL")


def test_a_refusal_stores_nothing_but_its_entry_in_the_audit_trail(clinic: Clinic) -> None:
    far = plus_days(MONDAY, 7 * 52)
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"ai_slots": 0}))
    before = direct.dump(clinic.world.url, clinic.org_id)
    for on in (MONDAY, far):
        refused(clinic.ask(appointment_date=f"{on}T09:30:00Z"), 409, "SLOT_FULL")
        refused(clinic.ask(appointment_date=f"{on}T12:30:00Z"), 422, "OUTSIDE_AVAILABILITY")
    after = direct.dump(clinic.world.url, clinic.org_id)
    assert len(after.pop("audit")) == len(before.pop("audit")) + 4
    assert after == before


def test_a_booking_beyond_the_horizon_makes_the_record_on_the_spot(clinic: Clinic) -> None:
    far = plus_days(MONDAY, 7 * 52)
    assert clinic.owner.records(far) == []
    clinic.book(appointment_date=f"{far}T09:30:00Z")
    assert [record["filled_slots"] for record in clinic.owner.records(far)] == [1]


def test_unknown_fields_are_refused_with_those_that_would_be_right(clinic: Clinic) -> None:
    error = refused(clinic.ask(patient="Ada"), 400, "VALIDATION_ERROR")
    assert [detail["field"] for detail in error["details"]] == ["patient"]
    assert "patient_name" in str(error)


def test_a_group_answers_each_member_on_its_own_grounds(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"/v1/appointment-slots/{clinic.window}", {"max_slots": 3}))
    bodies = [clinic.body(patient_name=f"P {number}") for number in range(5)]
    bodies[1]["appointment_type"] = "Surgery"
    bodies[2]["appointment_date"] = f"{MONDAY}T12:30:00Z"
    headers = {"authorization": f"Bearer {clinic.owner.key}"}

    async def rush() -> list[httpx.Response]:
        posts = (clinic.world.http.post(APPOINTMENTS, json=body, headers=headers) for body in [*bodies, bodies[0]])
        return await asyncio.gather(*posts)

    codes = [answer.status_code for answer in clinic.world.run(rush())]
    assert codes == [201, 404, 422, 201, 201, 409]
    assert clinic.filled() == {clinic.window: 3}
    assert clinic.world.run(upkeep.check(clinic.world.db)) == []


def test_an_id_that_no_database_could_hold_is_not_found(clinic: Clinic) -> None:
    refused(clinic.owner.get(f"{APPOINTMENTS}/%00"), 404, "NOT_FOUND")
    refused(clinic.owner.patch(f"{APPOINTMENTS}/%00", {"status": "cancelled"}), 404, "NOT_FOUND")

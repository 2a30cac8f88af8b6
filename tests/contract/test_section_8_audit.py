"""Contract section 8: the audit trail."""

import logging

import pytest

from slotkeeper import app
from slotkeeper.domain import access
from slotkeeper.domain.access import Scope
from slotkeeper.domain.errors import Conflict, InvalidInput, Unavailable
from slotkeeper.domain.model import Channel, Session
from slotkeeper.operations import Database, audit, upkeep
from tests import direct
from tests.contract.trail import AUDIT, ENTRY, Clinic, entries, newest, row
from tests.doors.test_app import serve
from tests.world import APPOINTMENTS, MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, refused


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


@pytest.mark.parametrize(
    "action",
    [
        *(f"appointments.{verb}" for verb in ("create", "move", "cancel", "complete", "confirm", "update")),
        *("holds.create", "holds.extend", "holds.release", "closures.create", "closures.delete"),
        *(f"windows.{verb}" for verb in ("create", "update", "enable", "disable")),
        *("records.update", "days.update", "schedule.regenerate", "services.create", "services.update"),
        *("branches.create", "branches.update", "configuration.update"),
    ],
)
def test_every_change_has_its_entry(clinic: Clinic, action: str) -> None:
    subject = clinic.act(action)
    entry = newest(clinic.owner)
    assert list(entry) == ENTRY
    assert (entry["action"], entry["subject"], entry["outcome"]) == (action, subject, "done")
    assert (entry["at"], entry["channel"], entry["user_id"]) == ("2026-06-01T08:00:00.000Z", "ai", None)
    assert entry["before"] or entry["after"]
    for trace in ("Zora", "7654321", "allergic"):
        assert trace not in str(entries(clinic.owner)), trace


def test_an_entry_says_only_what_changed_by_which_key_and_request(clinic: Clinic) -> None:
    answer = clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 7, "start_time": "09:00"})
    entry = newest(clinic.owner)
    assert (entry["before"], entry["after"]) == ({"max_slots": 1}, {"max_slots": 7})
    assert entry["request_id"] == answer.headers["x-request-id"]
    (key,) = direct.rows(
        clinic.world.url, "SELECT key_id FROM api_keys WHERE org_id = ? AND scopes LIKE '%admin%'", clinic.org_id
    )
    assert entry["key_id"] == key[0]


def test_what_changes_nothing_has_no_entry(clinic: Clinic) -> None:
    before = len(entries(clinic.owner))
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 1}))
    good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/enable"))
    good(clinic.owner.post(REGENERATE, {"date_from": MONDAY}))
    good(clinic.owner.post("/v1/closures", {"date_from": MONDAY, "reason": "X", "dry_run": True}))
    clinic.owner.slots()
    assert len(entries(clinic.owner)) == before


def test_a_refusal_by_a_rule_has_an_entry_with_code_window_date_and_service(clinic: Clinic) -> None:
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    refused(clinic.owner.post(APPOINTMENTS, clinic.body(patient_name="Grace Hopper")), 409, "SLOT_FULL")
    entry = newest(clinic.owner)
    assert (entry["action"], entry["subject"], entry["outcome"]) == ("appointments.create", None, "refused")
    said = {"code": "SLOT_FULL", "window": clinic.window, "date": MONDAY, "service": clinic.service}
    assert (entry["before"], entry["after"]) == (None, said)
    assert "Grace" not in str(entry)
    refused(clinic.owner.post("/v1/services", {"name": "checkup"}), 409, "CONFLICT")
    assert newest(clinic.owner)["after"] == {"code": "CONFLICT"}
    before = len(entries(clinic.owner))
    refused(clinic.owner.post("/v1/services", {"name": ""}), 400, "VALIDATION_ERROR")
    refused(clinic.owner.post(APPOINTMENTS, clinic.body(appointment_type="Nobody's")), 404, "NOT_FOUND")
    assert len(entries(clinic.owner)) == before


def test_entries_are_listed_newest_first_page_by_page_and_by_filter(clinic: Clinic) -> None:
    for number in range(5):
        clinic.world.clock.advance(hours=12)
        clinic.owner.service(f"Service {number}")
    found = entries(clinic.owner, action="services.create")
    assert [one["after"]["name"] for one in found] == [*(f"Service {number}" for number in (4, 3, 2, 1, 0)), "Checkup"]
    pages = [good(clinic.owner.get(AUDIT, action="services.create", limit=4, page=page)) for page in (1, 2)]
    assert [*pages[0]["data"], *pages[1]["data"]] == found
    assert pages[1]["pagination"] == {"page": 2, "limit": 4, "total": 6, "total_pages": 2}
    asked = {"action": "services.create"}
    assert len(entries(clinic.owner, **asked, **{"from": "2026-06-02", "to": "2026-06-02"})) == 2
    assert len(entries(clinic.owner, **asked, **{"from": "2026-06-02T08:00:00Z"})) == 4
    for subject in (found[0]["subject"], found[0]["subject"].upper()):
        assert entries(clinic.owner, subject=subject) == found[:1]
    assert entries(clinic.owner, key_id="00000000-0000-4000-8000-000000000000") == []
    refused(clinic.owner.get(AUDIT, **{"from": "yesterday"}), 400, "VALIDATION_ERROR")


def test_only_admins_read_the_trail_of_their_own_organization(clinic: Clinic, outsider: Client) -> None:
    writer = clinic.world.key(clinic.org_id, [Scope.SLOTS_WRITE, Scope.APPOINTMENTS_WRITE], channel=Channel.STAFF)
    refused(writer.get(AUDIT), 403, "INSUFFICIENT_SCOPE")
    assert clinic.window not in str(entries(outsider))


def test_keys_are_noted_without_their_text(clinic: Clinic) -> None:
    made = clinic.world.key(clinic.org_id)
    entry = newest(clinic.owner, action="keys.create")
    assert entry["key_id"] is None
    assert made.key is not None
    assert made.key[-30:] not in str(entries(clinic.owner))


def test_entries_are_kept_as_long_as_the_organization_says(clinic: Clinic) -> None:
    world, operator = clinic.world, access.operator(clinic.org_id)
    assert world.run(audit.keep_days(world.db, operator, 30, now=world.clock())) == 730
    world.clock.advance(days=30)
    world.run(audit.forget_old(world.db, now=world.clock()))
    kept = len(entries(clinic.owner))
    assert kept > 4
    clinic.owner.service("Dentist")
    world.clock.advance(milliseconds=1)
    world.run(audit.forget_old(world.db, now=world.clock()))
    assert [one["action"] for one in entries(clinic.owner)] == ["services.create"]


def test_erasing_a_patient_reaches_the_answers_kept_for_a_retry(clinic: Clinic) -> None:
    headers = {"idempotency-key": "key-1"}
    first = clinic.owner.request("POST", f"{APPOINTMENTS}?expand=slot", json=clinic.body(), headers=headers)
    good(first, 201)
    world, operator = clinic.world, access.operator(clinic.org_id)
    world.run(upkeep.erase_patient(world.db, operator, phone="+49 151 7654321", name=None, now=world.clock()))
    for trace in ("Zora", "7654321", "allergic"):
        assert trace not in repr(direct.dump(world.url, clinic.org_id)), trace
    again = clinic.owner.request("POST", f"{APPOINTMENTS}?expand=slot", json=clinic.body(), headers=headers)
    assert again.headers["idempotent-replay"] == "true"
    assert good(again, 201)["appointment_id"] == first.json()["appointment_id"]
    assert newest(clinic.owner)["action"] == "patients.erase"


def test_an_import_has_one_entry_for_each_window_that_it_makes_or_changes(clinic: Clinic) -> None:
    clinic.owner.window(session="Evening", max_slots=4)
    before = entries(clinic.owner)
    changing = [row(2), row(3, Session.EVENING, max_slots=6), row(4, Session.AFTERNOON, ai_slots=0)]
    assert clinic.bring_in(*changing, dry_run=True)[:3] == (1, 1, 1)
    assert entries(clinic.owner) == before, "a dry run is no change"
    assert clinic.bring_in(*changing)[:3] == (1, 1, 1)
    made, changed = entries(clinic.owner)[: -len(before)]
    assert (changed["action"], changed["before"], changed["after"]) == (
        "windows.update",
        {"max_slots": 4},
        {"max_slots": 6},
    )
    assert (made["action"], made["before"], made["after"]["session"]) == ("windows.create", None, "Afternoon")
    assert made["subject"] == made["after"]["calendar_id"]
    assert {(one["key_id"], one["request_id"], one["channel"]) for one in (made, changed)} == {(None, None, "staff")}
    assert clinic.bring_in(*changing)[:3] == (0, 0, 3)
    assert len(entries(clinic.owner)) == len(before) + 2


def test_an_import_that_is_refused_leaves_neither_a_window_nor_an_entry(clinic: Clinic) -> None:
    before = direct.dump(clinic.world.url, clinic.org_id)
    with pytest.raises(InvalidInput):
        clinic.bring_in(row(2, Session.EVENING), row(3, max_slots=9), row(4, Session.EVENING))
    assert direct.dump(clinic.world.url, clinic.org_id) == before


def test_regenerate_has_an_entry_for_each_transaction_that_changed_something(clinic: Clinic) -> None:
    for number in range(24):
        clinic.owner.window(batch_name=f"Batch {number}")
    span = ("2028-01-01", "2028-12-31")
    before = len(entries(clinic.owner))
    clinic.owner.regenerate(*span, dry_run=True)
    assert len(entries(clinic.owner)) == before
    body = {"date_from": span[0], "date_to": span[1]}
    answers = [
        clinic.owner.request("POST", REGENERATE, json=body, headers={"idempotency-key": "year"}) for _ in range(2)
    ]
    assert [answer.headers.get("idempotent-replay") for answer in answers] == [None, "true"]
    found = entries(clinic.owner, action="schedule.regenerate")
    assert len(found) == 7, (
        "of 1300 window-dates each has at most 250, whole windows; neither the answer kept nor its replay is one more"
    )
    assert {(one["subject"], one["request_id"]) for one in found} == {
        ("/".join(span), answers[0].headers["x-request-id"])
    }
    assert sum(one["after"]["make"] for one in found) == good(answers[0])["upserted"] == 25 * 52
    assert sum(one["after"]["windows"] for one in found) == 25
    clinic.owner.regenerate(*span)
    assert len(entries(clinic.owner, action="schedule.regenerate")) == 7


def test_regenerate_has_no_entry_where_all_that_it_finds_must_stay(clinic: Clinic) -> None:
    good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    good(clinic.owner.post(f"{WINDOWS}/{clinic.window}/disable"))
    assert clinic.owner.regenerate(MONDAY) == {"processed": 1, "skipped": 1, "errors": 0, "upserted": 0}
    assert entries(clinic.owner, action="schedule.regenerate") == []


def test_regenerate_notes_only_the_rows_that_were_written(clinic: Clinic) -> None:
    direct.refuse(clinic.world.url, "INSERT", "days", when="NEW.date = '2028-06-19'")
    done = clinic.owner.regenerate("2028-06-05", "2028-06-26")
    assert (done["upserted"], done["errors"]) == (3, 1)
    assert sum(one["after"]["make"] for one in entries(clinic.owner, action="schedule.regenerate")) == 3


def test_entries_of_one_instant_keep_their_order_from_page_to_page(clinic: Clinic) -> None:
    names = [f"Service {number}" for number in range(12)]
    for name in names:
        clinic.owner.service(name)
    found = [
        good(clinic.owner.get(AUDIT, action="services.create", limit=5, page=page))["data"] for page in (1, 2, 3, 4)
    ]
    assert [one["after"]["name"] for page in found for one in page] == [*reversed(names), "Checkup"]
    assert [len(page) for page in found] == [5, 5, 3, 0]


def test_a_last_date_is_included_whole_in_the_zone_of_the_organization(clinic: Clinic) -> None:
    good(clinic.owner.patch("/v1/appointment-config", {"timezone": "America/New_York"}))
    for at in ("2026-06-03T03:59:59.999Z", "2026-06-03T04:00:00Z", "2026-06-04T03:59:59.999Z", "2026-06-04T04:00:00Z"):
        clinic.world.clock.set(at)
        clinic.owner.service(at)
    day = entries(clinic.owner, **{"from": "2026-06-03", "to": "2026-06-03"})
    assert [one["after"]["name"] for one in day] == ["2026-06-04T03:59:59.999Z", "2026-06-03T04:00:00Z"]
    exact = entries(clinic.owner, **{"from": "2026-06-03T04:00:00Z", "to": "2026-06-04T04:00:00Z"})
    assert len(exact) == 3, "an instant is included itself"


def test_much_is_forgotten_in_transactions_that_stay_small(
    clinic: Clinic, outsider: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit, "BATCH", 4)
    world, org_id = clinic.world, clinic.org_id
    for number in range(9):
        headers = {"idempotency-key": f"key-{number}"}
        good(clinic.owner.request("POST", "/v1/services", json={"name": f"S {number}"}, headers=headers), 201)
    oldest = entries(clinic.owner)[::-1]
    direct.refuse(world.url, "DELETE", "audit", when=f"OLD.audit_id = '{oldest[5]['audit_id']}'")
    kept = entries(outsider)
    world.clock.advance(days=730, milliseconds=1)
    outsider.service("Today's")
    with pytest.raises(Conflict):
        world.run(audit.forget_old(world.db, now=world.clock()))
    assert entries(clinic.owner)[::-1] == oldest[4:], "the first four went, with the sixth the second four stay"
    direct.allow(world.url, "audit")
    world.run(audit.forget_old(world.db, now=world.clock()))
    assert entries(clinic.owner) == []
    assert direct.rows(world.url, "SELECT count(*) FROM requests WHERE org_id = ?", org_id) == [(0,)]
    assert [one["action"] for one in entries(outsider)] == ["services.create"]
    assert kept


def test_a_server_forgets_by_itself_and_goes_on_after_errors(
    clinic: Clinic, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(app, "SECONDS_BETWEEN_FORGETTING", 0.01)
    failures, forget_old = [Unavailable(), ZeroDivisionError("x")], audit.forget_old

    async def stumble(db: Database, *, now: int) -> int:
        if failures:
            raise failures.pop()
        return await forget_old(db, now=now)

    monkeypatch.setattr(audit, "forget_old", stumble)
    clinic.world.clock.advance(days=731)
    clinic.world.run(serve(clinic.world, lambda: direct.rows(clinic.world.url, "SELECT 1 FROM audit") == []))
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.ERROR]

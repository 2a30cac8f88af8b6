"""Contract section 6: ``Idempotency-Key`` on every POST."""

import asyncio
from typing import Any

import httpx
import pytest

from slotkeeper.api.routes import OPERATIONS
from tests import direct
from tests.world import APPOINTMENTS, MONDAY, REGENERATE, WINDOWS, Cast, Client, World, good, refused

POSTS = [one.path for one in OPERATIONS if one.method == "POST" and not one.any_key]


class Clinic:
    """One branch, one service, a window on Monday mornings with one place."""

    def __init__(self, world: World, owner: Client, cast: Cast) -> None:
        self.world, self.owner, self.org_id = world, owner, cast.owner_org
        owner.branch("Main Street")
        self.service = owner.service("Checkup")
        self.window = owner.window(max_slots=1)

    def body(self, **fields: Any) -> dict[str, Any]:
        return {
            "appointment_type": self.service,
            "appointment_date": f"{MONDAY}T09:30:00Z",
            "patient_name": "Ada Lovelace",
            "parent_phone": "+49 151 7654321",
        } | fields

    def post(self, path: str, key: str, body: Any, client: Client | None = None) -> httpx.Response:
        return (client or self.owner).request("POST", path, json=body, headers={"idempotency-key": key})

    def entries(self) -> int:
        return len(direct.rows(self.world.url, "SELECT * FROM audit WHERE org_id = ?", self.org_id))

    def example(self, path: str) -> tuple[str, dict[str, Any]]:
        """A POST to a path that has an effect."""
        bodies: dict[str, dict[str, Any]] = {
            WINDOWS: {
                "day": "friday",
                "session": "Evening",
                "start_time": "17:00",
                "end_time": "19:00",
                "max_slots": 3,
            },
            REGENERATE: {"date_from": MONDAY},
            APPOINTMENTS: self.body(),
            "/v1/holds": {"slot_id": f"{self.window}||{MONDAY}||{self.service}"},
            "/v1/closures": {"date_from": "2026-12-24", "reason": "Christmas"},
            "/v1/services": {"name": "Vaccination"},
            "/v1/branches": {"name": "Side Street"},
        }
        return path.replace("{slot_id}", self.window), bodies.get(path, {})


@pytest.fixture
def clinic(world: World, owner: Client, cast: Cast) -> Clinic:
    return Clinic(world, owner, cast)


@pytest.mark.parametrize("path", POSTS)
def test_the_same_post_again_gets_the_first_answer_and_has_no_second_effect(clinic: Clinic, path: str) -> None:
    where, body = clinic.example(path)
    first = clinic.post(where, "key-1", body)
    assert first.is_success, first.text
    assert "idempotent-replay" not in first.headers
    before = direct.dump(clinic.world.url, clinic.org_id)
    clinic.world.clock.advance(hours=1)
    again = clinic.post(where, "key-1", dict(reversed(body.items())))
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["idempotent-replay"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"]
    assert direct.dump(clinic.world.url, clinic.org_id) == before


def test_a_key_that_was_used_for_something_else_is_a_conflict(clinic: Clinic) -> None:
    good(clinic.post(APPOINTMENTS, "key-1", clinic.body()), 201)
    for path, body in (
        (APPOINTMENTS, clinic.body(patient_name="Grace Hopper")),
        ("/v1/services", {"name": "Vaccination"}),
        (f"{WINDOWS}/{clinic.window}/disable", {}),
        (REGENERATE, {"date_from": MONDAY}),
    ):
        assert "Idempotency-Key" in refused(clinic.post(path, "key-1", body), 409, "CONFLICT")["message"]
    assert clinic.post(APPOINTMENTS, "key-1", clinic.body()).headers["idempotent-replay"] == "true"


def test_how_a_body_is_written_does_not_matter(clinic: Clinic) -> None:
    first = good(clinic.post(APPOINTMENTS, "key-1", clinic.body()), 201)
    body = clinic.body()
    content = "{" + ",\n ".join(f'"{name}": "{value}"' for name, value in reversed(body.items())) + "}"
    headers = {"idempotency-key": "key-1", "content-type": "application/json"}
    again = clinic.owner.request("POST", APPOINTMENTS, content=content, headers=headers)
    assert good(again, 201) == first


def test_a_refusal_stores_nothing_and_the_retry_is_judged_afresh(clinic: Clinic) -> None:
    booked = good(clinic.owner.post(APPOINTMENTS, clinic.body()), 201)
    grace = clinic.body(patient_name="Grace Hopper")
    for _ in range(2):
        refused(clinic.post(APPOINTMENTS, "key-1", grace), 409, "SLOT_FULL")
    good(clinic.owner.patch(f"{APPOINTMENTS}/{booked['appointment_id']}", {"status": "cancelled"}))
    answer = clinic.post(APPOINTMENTS, "key-1", grace)
    assert good(answer, 201)
    assert "idempotent-replay" not in answer.headers
    refused(clinic.post("/v1/services", "key-2", {"name": "checkup"}), 409, "CONFLICT")
    good(clinic.post("/v1/branches", "key-2", {"name": "Side Street"}), 201)


def test_an_answer_is_kept_for_24_hours(clinic: Clinic) -> None:
    good(clinic.post("/v1/services", "key-1", {"name": "Vaccination"}), 201)
    clinic.world.clock.advance(hours=23, minutes=59, seconds=59)
    assert clinic.post("/v1/services", "key-1", {"name": "Vaccination"}).headers["idempotent-replay"] == "true"
    clinic.world.clock.advance(seconds=1)
    refused(clinic.post("/v1/services", "key-1", {"name": "Vaccination"}), 409, "CONFLICT")
    good(clinic.post("/v1/services", "key-1", {"name": "Dentist"}), 201)
    assert clinic.post("/v1/services", "key-1", {"name": "Dentist"}).headers["idempotent-replay"] == "true"


def test_a_key_belongs_to_one_api_key(clinic: Clinic, outsider: Client) -> None:
    other = clinic.world.key(clinic.org_id)
    for client, name in ((clinic.owner, "A"), (other, "B"), (outsider, "A")):
        good(clinic.post("/v1/services", "key-1", {"name": name}, client), 201)


@pytest.mark.parametrize("key", ["", "x" * 256, "sch\u00f6n", "a\tb"])
def test_a_malformed_key_is_refused(clinic: Clinic, key: str) -> None:
    answer = clinic.owner.request(
        "POST", "/v1/services", json={"name": "X"}, headers={"idempotency-key": key.encode("latin-1")}
    )
    assert refused(answer, 400, "VALIDATION_ERROR")["details"][0]["field"] == "Idempotency-Key"


def test_a_dry_run_stores_nothing(clinic: Clinic) -> None:
    for path, body in ((REGENERATE, {"date_from": MONDAY}), ("/v1/closures", {"date_from": MONDAY, "reason": "X"})):
        good(clinic.post(path, f"key {path}", body | {"dry_run": True}))
        answer = clinic.post(path, f"key {path}", body)
        assert answer.is_success
        assert "idempotent-replay" not in answer.headers


def test_a_key_has_no_meaning_where_nothing_is_posted(clinic: Clinic) -> None:
    headers = {"idempotency-key": ""}
    good(clinic.owner.request("GET", "/v1/services", headers=headers))
    good(clinic.owner.request("PATCH", f"/v1/services/{clinic.service}", json={"name": "Check"}, headers=headers))


def test_twins_at_once_have_one_effect_and_one_answer(clinic: Clinic) -> None:
    good(clinic.owner.patch(f"{WINDOWS}/{clinic.window}", {"max_slots": 100}))

    async def all_at_once() -> list[httpx.Response]:
        headers = {"authorization": f"Bearer {clinic.owner.key}", "idempotency-key": "key-1"}
        transport = httpx.ASGITransport(app=clinic.world.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://slotkeeper.test") as client:
            bodies = [clinic.body(patient_name="Other" if number == 9 else "Ada") for number in range(20)]
            return await asyncio.gather(*(client.post(APPOINTMENTS, json=body, headers=headers) for body in bodies))

    answers = clinic.world.run(all_at_once())
    odd = answers.pop(9)
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    refused(odd, 409, "CONFLICT")
    assert [slot["filled_slots"] for slot in clinic.owner.slots()] == [1]

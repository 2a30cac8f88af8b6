"""Nobody sees another organization's rows, not even by their ids (contract section 1).

Every operation of the OpenAPI document is tried, every id of it in turn, in path, query and body,
with an id of the owner's by the outsider. The answer must be the one that an id of nobody gets. A new
endpoint is covered by itself; one with an id of a new kind fails here until ``IDS`` knows it.
"""

import copy
import json
import re
from typing import Any
from uuid import uuid4

import pytest

from tests import direct
from tests.world import MONDAY, Cast, Client, World, good, plus_days

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
APPOINTMENT = re.compile("appt_[a-z0-9]{10}")


class Clinic:
    """One of everything that has an id, all of them known by the words that the interface uses."""

    def __init__(self, client: Client, org_id: str, mark: str) -> None:
        self.client, self.org_id = client, org_id
        self.branch_id = client.branch(f"Branch {mark}")
        self.service_id = client.service(f"Service {mark}")
        self.calendar_id = client.window(batch_name=f"Batch {mark}"[:32])
        self.appointment_id = client.world.book(org_id, self.calendar_id, MONDAY, self.service_id)
        place = {"slot_id": f"{self.calendar_id}||{MONDAY}||{self.service_id}", "ttl_seconds": 900}
        self.hold_id = good(client.post("/v1/holds", place), 201)["data"]["hold_id"]
        closed = {"branch_id": self.branch_id, "date_from": "2026-12-24", "reason": f"Closed {mark}"}
        self.closure_id = good(client.post("/v1/closures", closed), 201)["data"]["closure_id"]
        self.key_id = direct.rows(client.world.url, "SELECT key_id FROM api_keys WHERE org_id = ?", org_id)[0][0]


def ids(
    branch: str, service: str, window: str, appointment: str, hold: str, closure: str, key: str
) -> dict[str, list[str]]:
    """All forms in which each id parameter can name a record."""
    return {
        "branch_id": [branch],
        "service_id": [service],
        "appointment_type_id": [service],
        "appointment_type": [service],
        "appointment_id": [appointment],
        "hold_id": [hold],
        "closure_id": [closure],
        "key_id": [key],
        "slot_id": [window, f"{window}||{MONDAY}", f"{window}||{MONDAY}||{service}"],
    }


def of(clinic: Clinic) -> dict[str, list[str]]:
    return ids(
        clinic.branch_id,
        clinic.service_id,
        clinic.calendar_id,
        clinic.appointment_id,
        clinic.hold_id,
        clinic.closure_id,
        clinic.key_id,
    )


IDS = frozenset(ids(*7 * [""]))
# Values for everything that is no id, so that the id alone decides.
PLAIN: dict[str, Any] = {
    "date": MONDAY, "date_from": MONDAY, "date_to": MONDAY, "session": "Morning", "day": "monday", "status": "OPEN",
    "max_slots": 7, "ai_slots": 3, "reason": "Outsider", "dry_run": False, "start_time": "09:00", "end_time": "11:00",
    "batch_name": "Outsider", "name": "Outsider", "active": True, "timezone": "UTC",
    "appointment_date": f"{MONDAY}T09:00:00Z", "patient_name": "Outsider", "parent_phone": "+49 30 123456",
    "assigned_doctor": "Outsider", "notes": "Outsider", "batch": "Outsider", "external_reference_id": "Outsider",
    "ttl_seconds": 300,
}  # fmt: skip
# What an id says already and must not be said beside it; and what is needed where no such id is given.
SAYS: dict[tuple[str, str], set[str]] = {
    ("/v1/holds", "slot_id"): {"appointment_type", "appointment_date", "session", "batch"},
    ("/v1/appointments", "hold_id"): {"appointment_type"},
}
NEEDED: dict[str, set[str]] = {"/v1/holds": {"appointment_type"}, "/v1/appointments": {"appointment_type"}}


@pytest.fixture
def theirs(owner: Client, cast: Cast) -> Clinic:
    return Clinic(owner, cast.owner_org, "of the owner")


@pytest.fixture
def mine(outsider: Client, cast: Cast) -> Clinic:
    return Clinic(outsider, cast.outsider_org, "of the outsider")


class Case:
    """One operation with one of its ids to be replaced."""

    def __init__(self, method: str, path: str, where: str, name: str, operation: dict[str, Any]) -> None:
        self.method, self.path, self.where, self.name, self.operation = method, path, where, name, operation

    def __repr__(self) -> str:
        return f"{self.method} {self.path}: {self.name} in {self.where}"


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def body_schema(document: dict[str, Any], operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    return resolve(document, content.get("schema", {}))


def body_fields(document: dict[str, Any], operation: dict[str, Any]) -> list[str]:
    return list(body_schema(document, operation).get("properties", {}))


def is_id(name: str) -> bool:
    """Whether a field names a record of ours; ``external_reference_id`` is the client's own."""
    return (name.endswith("_id") or name in ("appointment_type", "id")) and name != "external_reference_id"


def cases(document: dict[str, Any]) -> list[Case]:
    found = []
    for path, item in document["paths"].items():
        if path == "/v1/tools/{tool}":
            continue  # each tool has ids of its own: tests/doors/test_tools_tenancy.py
        for method, operation in item.items():
            if method not in ("get", "post", "put", "patch", "delete"):
                continue
            places = [(one["in"], one["name"]) for one in operation.get("parameters", []) + item.get("parameters", [])]
            places += [("body", name) for name in body_fields(document, operation)]
            found += [Case(method.upper(), path, where, name, operation) for where, name in places if is_id(name)]
    return found


def send(
    client: Client, document: dict[str, Any], case: Case, own: dict[str, list[str]], value: str
) -> tuple[int, str]:
    """Send a request that is sound but for the id in question; status and body of the answer."""

    def choose(name: str) -> Any:
        if name == "status" and case.path.startswith("/v1/appointments"):
            return "confirmed"
        return value if name == case.name else own[name][0] if name in own else PLAIN[name]

    path = re.sub(r"\{(\w+)\}", lambda found: choose(found[1]), case.path)
    parameters = case.operation.get("parameters", [])
    query = {
        one["name"]: choose(one["name"])
        for one in parameters
        if one["in"] == "query" and (one.get("required") or one["name"] == case.name)
    }
    fields = body_fields(document, case.operation)
    required = body_schema(document, case.operation).get("required", [])
    needed = {case.name, *required, *NEEDED.get(case.path, ())}
    left_out = {name for name in fields if is_id(name) and name not in needed} | SAYS.get((case.path, case.name), set())
    body = {name: choose(name) for name in fields if name not in left_out}
    more: dict[str, Any] = {"json": body} if fields else {}
    answer = client.request(case.method, path, params=query or None, **more)
    return answer.status_code, answer.text


def test_every_id_that_the_interface_takes_is_known_here(owner: Client) -> None:
    document = owner.get("/openapi.json").json()
    found = cases(document)
    assert {case.name for case in found} <= IDS
    assert {case.where for case in found} == {"path", "query", "body"}
    assert len(found) >= 15


def test_another_organizations_id_is_answered_like_an_id_of_nobody(
    world: World, outsider: Client, theirs: Clinic, mine: Clinic
) -> None:
    document = outsider.get("/openapi.json").json()
    before = direct.dump(world.url, theirs.org_id)
    tried = 0
    for case in cases(document):
        branch, service, window, hold, closure, key = (str(uuid4()) for _ in range(6))
        nobodys = ids(branch, service, window, "appt_0000000000", hold, closure, key)
        mixed = ids("", theirs.service_id, mine.calendar_id, *4 * [""])["slot_id"][2:] if case.name == "slot_id" else []
        mixed_nobody = [mixed[0].replace(theirs.service_id, nobodys["service_id"][0])] if mixed else []
        pairs = zip(of(theirs)[case.name] + mixed, nobodys[case.name] + mixed_nobody, strict=True)
        for foreign, nobody in pairs:
            status, text = send(outsider, document, case, of(mine), foreign)
            expected, sample = send(outsider, document, case, of(mine), nobody)
            if status == expected == 400:
                assert case.name == "slot_id", case
                continue  # a form of slot_id that this endpoint does not take
            if mixed and foreign == mixed[0] and status == expected == 200:
                continue  # the first segment counts, and that is one's own window
            tried += 1
            assert status == expected, case
            assert status in (200, 404), f"{case}: {text}"
            assert _without_ids(text) == _without_ids(sample), case
            assert "of the owner" not in text, case
            if status == 200 and case.method != "DELETE":  # a hold that is not there is released already
                data = next(value for value in json.loads(text).values() if isinstance(value, list))
                assert data == [], case
    assert tried >= 15
    assert direct.dump(world.url, theirs.org_id) == before, "nothing of the owner's has changed"


def test_what_an_organization_lists_holds_nothing_of_another(
    owner: Client, outsider: Client, theirs: Clinic, mine: Clinic
) -> None:
    document = owner.get("/openapi.json").json()
    for path, item in document["paths"].items():
        if "get" not in item or "{" in path or not path.startswith("/v1/"):
            continue
        query = {one["name"]: PLAIN[one["name"]] for one in item["get"].get("parameters", []) if one.get("required")}
        for client, other in ((owner, mine), (outsider, theirs)):
            answer = client.get(path, **query)
            good(answer)
            for trace in (
                other.branch_id,
                other.service_id,
                other.calendar_id,
                other.org_id,
                "of the " + ("outsider" if other is mine else "owner"),
            ):
                assert trace not in answer.text, path


def test_a_regenerate_reaches_ones_own_records_only(
    world: World, outsider: Client, theirs: Clinic, mine: Clinic
) -> None:
    before = copy.deepcopy(direct.dump(world.url, theirs.org_id))
    outsider.regenerate(MONDAY, plus_days(MONDAY, 300))
    assert direct.dump(world.url, theirs.org_id) == before
    assert mine.calendar_id


def test_a_key_whose_text_names_another_organization_opens_nothing(world: World, theirs: Clinic, mine: Clinic) -> None:
    own = (mine.client.key or "").replace(mine.org_id.replace("-", ""), theirs.org_id.replace("-", ""))
    assert own != mine.client.key
    assert Client(world, own).get("/v1/branches").status_code == 401


def _without_ids(text: str) -> str:
    return APPOINTMENT.sub("<id>", UUID.sub("<id>", text))

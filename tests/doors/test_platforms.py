"""The platforms' own shapes: documented requests get answers of the documented shape, and nothing is done twice."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import hypothesis
import pytest
from hypothesis import strategies as st

from slotkeeper.api.platforms import LARGEST, PLATFORM_OPERATIONS
from slotkeeper.domain.errors import Unavailable
from slotkeeper.tools import calls
from slotkeeper.tools.refusals import SORRY
from tests.doors.calling import PHONES, Phone, Retell, Vapi, example
from tests.doors.serving import served
from tests.doors.tooling import Clinic
from tests.world import Cast, Client, World, refused

ANSWER = ["ok", "reason_code", "spoken", "date", "now", "timezone", "options", "data"]
MONDAY = "2026-06-08"


def booking(name: str, **more: Any) -> dict[str, Any]:
    said = {"date": "next Monday", "time": "half past nine", "service": "General Checkup"}
    return {"patient_name": name, "phone": "+49 30 1234567", **said, **more}


@pytest.fixture(params=PHONES, ids=lambda phone: phone.__name__)
def phone(request: pytest.FixtureRequest, clinic: Clinic) -> Phone:
    made: Phone = request.param(clinic.owner)
    return made


def booked(clinic: Clinic) -> list[tuple[str, str]]:
    found = clinic.owner.get("/v1/appointments").json()["data"]
    return sorted((one["patient_name"], one["status"]) for one in found)


# What every platform must get


def test_a_mother_books_two_children_in_one_call(phone: Phone, clinic: Clinic) -> None:
    first = phone.call("book_appointment", booking("Mia Braun"))
    second = phone.call("book_appointment", booking("Ben Braun"))
    assert (first.answer["reason_code"], second.answer["reason_code"]) == ("BOOKED", "BOOKED")
    assert first.answer["data"]["appointment_id"] != second.answer["data"]["appointment_id"]
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


def test_a_call_that_the_platform_sends_again_gets_the_first_answer(phone: Phone, clinic: Clinic) -> None:
    first = phone.call("book_appointment", booking("Mia Braun"), own_id="tool-call-000017")
    again = phone.call("book_appointment", booking("Mia Braun"), own_id="tool-call-000017")
    assert first.answer["ok"]
    assert again.answer == first.answer
    assert booked(clinic) == [("Mia Braun", "confirmed")]


def test_a_hold_that_is_asked_for_again_keeps_one_place(phone: Phone, clinic: Clinic) -> None:
    said = {"date": "next Monday", "time": "3 pm", "service": "General Checkup"}
    first = phone.call("hold_slot", said, own_id="tool-call-000018")
    again = phone.call("hold_slot", said, own_id="tool-call-000018")
    assert first.answer["reason_code"] == "HELD"
    assert again.answer["data"]["hold_id"] == first.answer["data"]["hold_id"]
    slots = clinic.owner.get(f"/v1/appointment-slots/availability?date={MONDAY}&session=Afternoon").json()["slots"]
    assert [slot["available_slots"] for slot in slots] == [1]


def test_two_phone_calls_that_ask_for_the_same_are_two(phone: Phone, clinic: Clinic) -> None:
    said = {"date": "next Monday", "time": "3 pm", "service": "General Checkup"}
    other = type(phone)(clinic.owner, "call-4711-0002")
    holds = {one.call("hold_slot", said).answer["data"]["hold_id"] for one in (phone, other)}
    assert len(holds) == 2


def test_a_caller_who_changes_their_mind_twice_is_booked_again(phone: Phone, clinic: Clinic) -> None:
    first = phone.call("book_appointment", booking("Mia Braun")).answer
    found = first["data"]["appointment_id"]
    path = f"/v1/appointments/{found}"
    assert clinic.owner.patch(path, {"status": "cancelled"}).status_code == 200
    again = phone.call("book_appointment", booking("Mia Braun")).answer
    assert again["ok"]
    assert again["data"]["appointment_id"] != found
    assert booked(clinic) == [("Mia Braun", "cancelled"), ("Mia Braun", "confirmed")]


def test_a_caller_who_cancels_twice_has_cancelled_twice(phone: Phone, clinic: Clinic) -> None:
    asha = {"patient_name": "Mia Braun", "phone": "030 1234567"}
    seen = set()
    for time in ("half past nine", "half past ten"):
        phone.call("book_appointment", booking("Mia Braun", time=time))
        cancelled = phone.call("cancel_appointment", asha).answer
        assert cancelled["reason_code"] == "CANCELLED"
        seen.add(cancelled["data"]["appointment_id"])
        assert not phone.call("find_appointment", asha).answer["ok"]
    assert len(seen) == 2
    assert booked(clinic) == [("Mia Braun", "cancelled"), ("Mia Braun", "cancelled")]


def test_a_hold_that_is_confirmed_a_second_time_is_booked_already(phone: Phone, clinic: Clinic) -> None:
    said = {"date": "next Monday", "time": "half past nine", "service": "General Checkup"}
    hold = phone.call("hold_slot", said).answer["data"]["hold_id"]
    patient = {"patient_name": "Mia Braun", "phone": "+49 30 1234567", "hold_id": hold}
    ids = {phone.call("book_appointment", patient).answer["data"]["appointment_id"] for _ in range(2)}
    assert len(ids) == 1
    assert booked(clinic) == [("Mia Braun", "confirmed")]


def test_what_a_rule_refuses_is_an_answer_to_act_on(phone: Phone, clinic: Clinic) -> None:
    called = phone.call("book_appointment", booking("Mia Braun", time="one in the afternoon"))
    assert called.response.status_code == 200
    assert not called.answer["ok"]
    assert called.answer["spoken"]
    assert booked(clinic) == []


def test_answers_have_the_one_shape_and_fit_into_a_line_of_a_kilobyte(phone: Phone) -> None:
    for tool, arguments in (("find_next_available", {"service": "General Checkup"}), ("list_services", {})):
        called = phone.call(tool, arguments)
        assert list(called.answer) == ANSWER
        assert len(json.dumps(called.answer, separators=(",", ":"), ensure_ascii=False).encode()) <= 1024


@pytest.mark.parametrize(
    "name", ["vapi", "vapi-function-form", "retell", "elevenlabs", "elevenlabs-parameters", "bolna"]
)
def test_a_documented_request_gets_the_documented_answer(name: str, clinic: Clinic) -> None:
    recorded = example(name)
    platform = name.partition("-")[0]
    path = f"/v1/platforms/{platform}" + ("" if platform in {"vapi", "retell"} else f"/{recorded['tool']}")
    response = clinic.owner.request("POST", path, json=recorded["request"])
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    answers = [response.json()]
    if platform == "vapi":
        asked = [one["id"] for one in recorded["request"]["message"]["toolCallList"]]
        results = response.json()["results"]
        assert [one["toolCallId"] for one in results] == asked
        assert all(one.keys() == {"toolCallId", "result"} for one in results)
        assert all("\n" not in one["result"] for one in results)
        answers = [json.loads(one["result"]) for one in results]
    for answer in answers:
        assert list(answer) == ANSWER
        assert answer["ok"], answer
    assert answers[-1]["date"] == (None if recorded["tool"] == "list_services" and len(answers) == 1 else MONDAY)


# Who may


@pytest.mark.parametrize("path", [one.path.format(tool="list_services") for one in PLATFORM_OPERATIONS])
def test_nobody_gets_in_without_a_key(path: str, clinic: Clinic, nobody: Client) -> None:
    del clinic
    response = nobody.request("POST", path, json=example("vapi")["request"])
    if path.endswith("vapi"):
        assert response.status_code == 200, "Vapi ignores whatever comes with another status"
        asked = [one["id"] for one in example("vapi")["request"]["message"]["toolCallList"]]
        results = response.json()["results"]
        assert [one["toolCallId"] for one in results] == asked
        assert all("API key" in one["error"] for one in results)
    else:
        refused(response, 401, "UNAUTHORIZED")
        assert response.headers["www-authenticate"] == "Bearer"


def test_a_key_calls_the_tools_of_its_scopes_only(clinic: Clinic, colleague: Client) -> None:
    del clinic
    may = Retell(colleague).call("check_availability", {"date": "next Monday", "service": "General Checkup"})
    assert may.answer["ok"]
    body = Retell(colleague).body("book_appointment", booking("Mia Braun"), "tool-1")
    refused(colleague.request("POST", Retell.path, json=body), 403, "INSUFFICIENT_SCOPE")


def test_another_clinic_finds_nothing_of_ours(clinic: Clinic, outsider: Client) -> None:
    outsider.branch("Elsewhere")
    assert Retell(clinic.owner).call("list_services", {}).answer["data"]["total"] == 2
    assert "General Checkup" not in Retell(outsider).call("list_services", {}).response.text


# What comes in between


@pytest.mark.parametrize("phone_of", PHONES[:-1], ids=lambda phone: phone.__name__)
def test_a_limit_is_told_in_a_sentence(phone_of: type[Phone], clinic: Clinic, world: World, cast: Cast) -> None:
    del clinic
    limited = world.key(cast.owner_org, rate_limit=1)
    phone = phone_of(limited)
    phone.call("list_services", {})
    response = limited.request(
        "POST", phone.path.format(tool="list_services"), json=phone.body("list_services", {}, "t")
    )
    assert response.status_code == 200
    said = phone.read(response)
    assert said.keys() == {"ok", "reason_code", "spoken"}
    assert (said["ok"], said["reason_code"], said["spoken"]) == (False, "RATE_LIMIT_EXCEEDED", SORRY)


@pytest.mark.parametrize("phone_of", PHONES[:-1], ids=lambda phone: phone.__name__)
def test_a_database_that_is_away_is_told_in_a_sentence(
    phone_of: type[Phone], clinic: Clinic, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: Any, **__: Any) -> None:
        raise Unavailable

    monkeypatch.setattr(calls, "get_known", away)
    phone = phone_of(clinic.owner)
    body = phone.body("list_services", {}, "tool-1")
    response = clinic.owner.request("POST", phone.path.format(tool="list_services"), json=body)
    assert response.status_code == 200
    said = phone.read(response)
    assert (said["ok"], said["reason_code"], said["spoken"]) == (False, "UNAVAILABLE", SORRY)


# Retell


def test_retell_may_send_all_that_was_said_so_far(clinic: Clinic) -> None:
    body = Retell(clinic.owner).body("list_services", {}, "tool-1")
    body["call"]["transcript"] = "Agent: Good morning. " * 10_000
    assert len(json.dumps(body)) > 128 * 1024
    assert clinic.owner.request("POST", Retell.path, json=body).json()["ok"]
    body["call"]["transcript"] = "x" * LARGEST
    refused(clinic.owner.request("POST", Retell.path, json=body), 413, "PAYLOAD_TOO_LARGE")


def test_retells_id_of_a_call_is_that_of_the_last_one_without_a_result(clinic: Clinic) -> None:
    """The same is booked, cancelled by the desk and booked again: two ids, so that nobody hears the first answer."""
    retell = Retell(clinic.owner)
    first = retell.body("book_appointment", booking("Mia Braun"), "tool-1")
    found = clinic.owner.request("POST", Retell.path, json=first).json()["data"]["appointment_id"]
    assert clinic.owner.patch(f"/v1/appointments/{found}", {"status": "cancelled"}).status_code == 200
    again = retell.body("book_appointment", booking("Mia Braun"), "tool-1")
    done = {"role": "tool_call_result", "tool_call_id": "tool-1", "content": "…"}
    said = {**again["call"]["transcript_with_tool_calls"][0], "tool_call_id": "tool-2"}
    again["call"]["transcript_with_tool_calls"] += [done, said]
    answer = clinic.owner.request("POST", Retell.path, json=again).json()
    assert answer["ok"]
    assert answer["data"]["appointment_id"] != found


def test_retells_id_of_a_call_is_none_where_several_ask_for_the_same(clinic: Clinic) -> None:
    """A first answer that was lost is no answer to what the caller wants after changing their mind."""
    retell = Retell(clinic.owner)
    first = retell.body("book_appointment", booking("Mia Braun"), "tool-1")
    found = clinic.owner.request("POST", Retell.path, json=first).json()["data"]["appointment_id"]
    assert clinic.owner.patch(f"/v1/appointments/{found}", {"status": "cancelled"}).status_code == 200
    again = retell.body("book_appointment", booking("Mia Braun"), "tool-1")
    said = again["call"]["transcript_with_tool_calls"]
    said.append({**said[0], "tool_call_id": "tool-2"})
    answers = [clinic.owner.request("POST", Retell.path, json=again).json() for _ in range(2)]
    assert answers[0]["ok"]
    assert answers[0]["data"]["appointment_id"] != found
    assert answers[0] == answers[1]
    assert booked(clinic) == [("Mia Braun", "cancelled"), ("Mia Braun", "confirmed")]


def test_retell_is_told_where_it_sends_the_arguments_alone(clinic: Clinic) -> None:
    response = clinic.owner.request("POST", Retell.path, json={"date": "next Monday"})
    assert "args only" in refused(response, 400, "VALIDATION_ERROR")["message"]


# ElevenLabs and Bolna


@pytest.mark.parametrize("left", ["%(time)s", "{{time}}", {"$var": "time"}, "", None])
def test_a_variable_without_a_value_is_an_argument_that_is_not_given(left: Any, clinic: Clinic) -> None:
    said = {"date": "next Monday", "service": "General Checkup", "time": left, "call_sid": "%(call_sid)s"}
    response = clinic.owner.request("POST", "/v1/platforms/bolna/check_availability", json=said)
    assert response.json()["ok"], response.text


def test_an_id_of_a_call_that_a_model_made_up_makes_two_phone_calls_none_the_same(clinic: Clinic) -> None:
    said = {"date": "next Monday", "time": "3 pm", "service": "General Checkup", "call_sid": "unknown"}
    asked = [clinic.owner.request("POST", "/v1/platforms/bolna/hold_slot", json=said).json() for _ in range(2)]
    assert asked[0]["data"]["hold_id"] != asked[1]["data"]["hold_id"]


def test_a_tool_that_there_is_not_is_no_path(clinic: Clinic) -> None:
    for platform in ("elevenlabs", "bolna"):
        response = clinic.owner.request("POST", f"/v1/platforms/{platform}/nonsense", json={})
        refused(response, 404, "NOT_FOUND")


# Whatever comes

WORDS = st.sampled_from(
    ["message", "toolCallList", "type", "tool-calls", "id", "name", "args", "arguments", "call", "function",
     "parameters", "call_id", "transcript_with_tool_calls", "role", "tool_call_invocation", "list_services"]
)  # fmt: skip
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | WORDS
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS | st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.engines("sqlite")
@hypothesis.given(body=st.dictionaries(WORDS, ANYTHING, max_size=5), text=st.booleans())
@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture], deadline=None)
def test_no_body_is_our_fault(body: Any, text: bool, owner: Client) -> None:
    for path in (one.path.format(tool="find_next_available") for one in PLATFORM_OPERATIONS):
        response = send(owner, path, json.dumps(body) if text else body)
        assert response.status_code in ({200} if path == Vapi.path else {200, 400, 404}), response.text


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize("bad", ["\ud800", "\x00", "a\nb", "x" * 5000, "<b>&</b>"])
def test_odd_texts_are_no_fault_of_ours_wherever_they_stand(bad: str, clinic: Clinic) -> None:
    calls: list[dict[str, Any]] = [
        {"id": bad, "name": "list_services", "arguments": {}},
        {"id": "a", "name": bad, "arguments": {}},
        {"id": "b", "name": "list_services", "arguments": {"like": bad}},
        {"id": "c", "name": "list_services", "arguments": {bad: "x"}},
        {"id": "d", "name": "list_services", "arguments": bad},
    ]
    for call in calls:
        body = {"message": {"type": "tool-calls", "toolCallList": [call], "call": {"id": bad}}}
        response = send(clinic.owner, Vapi.path, body)
        assert response.status_code == 200, response.text
        assert "\n" not in "".join(text for one in response.json().get("results", []) for text in one.values())
        said = {"name": call["name"], "args": call["arguments"], "call": {"call_id": bad}}
        assert send(clinic.owner, Retell.path, said).status_code in {200, 400, 404}


def send(client: Client, path: str, body: Any) -> httpx.Response:
    """A body in ASCII, so that it may also hold what is no text."""
    content = json.dumps(body).encode()
    return client.request("POST", path, content=content, headers={"content-type": "application/json"})


def test_the_same_call_that_comes_many_times_at_once_is_done_once(world: World, clinic: Clinic) -> None:
    vapi = Vapi(clinic.owner)
    body = vapi.body("book_appointment", booking("Mia Braun"), "tool-call-000019")
    headers = {"authorization": f"Bearer {clinic.owner.key}"}
    with served(world) as url, served(world) as other, ThreadPoolExecutor(8) as pool:
        urls = [f"{(url, other)[number % 2]}{Vapi.path}" for number in range(16)]
        answers = list(pool.map(lambda one: httpx.post(one, json=body, headers=headers, timeout=20).json(), urls))
    assert all(answer == answers[0] for answer in answers)
    assert json.loads(answers[0]["results"][0]["result"])["reason_code"] == "BOOKED"
    assert booked(clinic) == [("Mia Braun", "confirmed")]


@pytest.mark.engines("sqlite")
@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"[]", b"\xff", b'{"name": "\xff"}', b'{"message":' + b"[" * 30_000]
)
def test_what_is_no_json_object_is_said_to_be_none(content: bytes, clinic: Clinic) -> None:
    for path in (one.path.format(tool="list_services") for one in PLATFORM_OPERATIONS):
        response = clinic.owner.request("POST", path, content=content, headers={"content-type": "application/json"})
        if path == Vapi.path:
            assert response.status_code == 200
            assert "JSON" in response.json()["error"] or "body" in response.json()["error"]
        else:
            refused(response, 400, "VALIDATION_ERROR")

"""Vapi's messages, which may hold several calls: each gets its own entry, whatever becomes of the message."""

from typing import Any

import pytest

from slotkeeper.api.platforms import LARGEST
from slotkeeper.platforms import vapi
from tests.doors.calling import Vapi
from tests.doors.test_platforms import booked, booking
from tests.doors.tooling import Clinic
from tests.world import Cast, World


def test_vapi_has_several_calls_in_one_message_done_in_their_order(clinic: Clinic) -> None:
    asked = [
        {"id": "a", "name": "book_appointment", "arguments": booking("Mia Braun")},
        {"id": "b", "name": "nonsense", "arguments": {}},
        {"id": "c", "name": "list_services", "arguments": "no JSON"},
        {"id": "d", "type": "function", "function": {"name": "book_appointment", "arguments": booking("Ben Braun")}},
    ]
    message = {"type": "tool-calls", "toolCallList": asked, "call": {"id": "call-1"}}
    response = clinic.owner.request("POST", Vapi.path, json={"message": message})
    results = response.json()["results"]
    assert response.status_code == 200
    assert [one["toolCallId"] for one in results] == ["a", "b", "c", "d"]
    assert [sorted(one.keys() - {"toolCallId"}) for one in results] == [["result"], ["error"], ["error"], ["result"]]
    assert all("\n" not in text for one in results for text in one.values())
    assert booked(clinic) == [("Ben Braun", "confirmed"), ("Mia Braun", "confirmed")]


def test_vapi_gets_a_result_for_each_call_of_a_message_over_the_limit(clinic: Clinic, world: World, cast: Cast) -> None:
    del clinic
    limited = world.key(cast.owner_org, rate_limit=1)
    asked: list[Any] = [{"id": one, "name": "list_services", "arguments": {}} for one in ("a", "b")]
    bodies = [{"message": {"toolCallList": asked}}, {"message": {"toolCallList": asked}}, {"message": 1}]
    for body, expected in zip(bodies, (["a", "b"], ["a", "b"], None), strict=True):
        response = limited.request("POST", Vapi.path, json=body)
        assert response.status_code == 200
        found = response.json().get("results")
        assert expected == (None if found is None else [one["toolCallId"] for one in found])
    assert response.json().keys() == {"error"}
    large = b'{"message": {"toolCallList": [{"id": "a"}], "transcript": "' + b"x" * LARGEST + b'"}}'
    for content in (large, b'{"message": {"toolCallList": [{"id": "a"}', b"\xff", b"[" * 30_000, b""):
        response = limited.request("POST", Vapi.path, content=content, headers={"content-type": "application/json"})
        assert (response.status_code, response.json().keys()) == (200, {"error"})


def test_vapi_is_told_what_is_wrong_with_a_message_by_the_ids_of_its_calls(clinic: Clinic) -> None:
    body = {"message": {"toolCallList": [{"id": "a", "name": "list_services", "arguments": {}}, {"name": "x"}]}}
    (result,) = clinic.owner.request("POST", Vapi.path, json=body).json()["results"]
    assert result.keys() == {"toolCallId", "error"}
    assert result["toolCallId"] == "a"


def test_one_message_of_vapis_does_ten_calls_at_most(clinic: Clinic) -> None:
    asked = [{"id": f"tool-{number}", "name": "list_services", "arguments": {}} for number in range(3000)]
    response = clinic.owner.request("POST", Vapi.path, json={"message": {"toolCallList": asked}})
    results = response.json()["results"]
    assert [one["toolCallId"] for one in results] == [one["id"] for one in asked[: vapi.MOST_TOLD]]
    assert ["result" in one for one in results] == [place < vapi.MOST_CALLS for place in range(len(results))]
    assert "10 calls" in results[-1]["error"]


def test_vapi_is_answered_nothing_where_it_asks_for_nothing(clinic: Clinic) -> None:
    response = clinic.owner.request("POST", Vapi.path, json={"message": {"type": "status-update", "status": "ended"}})
    assert (response.status_code, response.json()) == (200, {})


@pytest.mark.parametrize(
    "body", [{}, {"message": 1}, {"message": {"type": "tool-calls"}}, {"message": {"toolCallList": [7]}}]
)
def test_vapi_is_told_with_200_what_cannot_be_read(body: Any, clinic: Clinic) -> None:
    response = clinic.owner.request("POST", Vapi.path, json=body)
    assert response.status_code == 200
    assert response.json().keys() == {"error"}

"""A clinic for the tests of the tools, and somebody who calls them over HTTP."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from slotkeeper.tools.answer import MOST_BYTES
from tests.world import Client


class Agent(NamedTuple):
    """A voice agent with one key."""

    client: Client
    call_id: str | None = None

    def send(self, tool: str, /, *, headers: Mapping[str, str] | None = None, **arguments: Any) -> Any:
        own = {"x-call-id": self.call_id} if self.call_id else {}
        return self.client.request("POST", f"/v1/tools/{tool}", json=arguments, headers=own | dict(headers or {}))

    def call(self, tool: str, /, *, headers: Mapping[str, str] | None = None, **arguments: Any) -> dict[str, Any]:
        """The answer of a tool, whatever it says."""
        response = self.send(tool, headers=headers, **arguments)
        assert response.status_code == 200, response.text
        assert len(response.content) <= MOST_BYTES, response.text
        answer: dict[str, Any] = response.json()
        assert list(answer) == ["ok", "reason_code", "spoken", "date", "now", "timezone", "options", "data"]
        assert len(answer["options"]) <= 3
        assert "\n" not in answer["spoken"]
        return answer

    def done(self, tool: str, code: str, /, **more: Any) -> dict[str, Any]:
        """The answer of a tool that must have done it."""
        answer = self.call(tool, **more)
        assert (answer["ok"], answer["reason_code"]) == (True, code), answer
        return answer

    def refused(self, tool: str, code: str, /, **more: Any) -> dict[str, Any]:
        """The answer of a tool that must have done nothing."""
        answer = self.call(tool, **more)
        assert (answer["ok"], answer["reason_code"]) == (False, code), answer
        return answer


class Clinic(NamedTuple):
    """A branch in Berlin with two services and hours on Mondays from nine to eleven and three to five."""

    agent: Agent
    owner: Client
    branch: str
    checkup: str
    vaccination: str
    morning: str
    afternoon: str


def open_clinic(owner: Client, **window: Any) -> Clinic:
    """The clinic; the clock stands on Monday the 1st of June 2026, at ten in the morning."""
    branch = owner.branch("Main Street", timezone="Europe/Berlin")
    checkup, vaccination = owner.service("General Checkup"), owner.service("Vaccination")
    morning = owner.window(**window)
    afternoon = owner.window(session="Afternoon", start_time="15:00", end_time="17:00", max_slots=2)
    return Clinic(Agent(owner), owner, branch, checkup, vaccination, morning, afternoon)

"""Voice platforms as our server meets them: each sends a call of a tool in its own shape, and reads its own answers."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from tests.world import Client

EXAMPLES = Path(__file__).parent / "platform_examples"


class Called(NamedTuple):
    """A call of a tool as the agent's model sees what came of it."""

    response: httpx.Response
    answer: dict[str, Any]


class Phone:
    """A phone call on some platform."""

    path = ""

    def __init__(self, client: Client, call_id: str = "call-4711-0001") -> None:
        self.client, self.call_id = client, call_id
        self._calls = 0

    def call(self, tool: str, arguments: dict[str, Any], *, own_id: str | None = None) -> Called:
        """One call of a tool; ``own_id`` is the platform's id of it, a new one unless given."""
        self._calls += 1
        body = self.body(tool, arguments, own_id or f"{self.call_id}-tool-{self._calls}")
        response = self.client.request("POST", self.path.format(tool=tool), json=body)
        return Called(response, self.read(response))

    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        raise NotImplementedError

    def read(self, response: httpx.Response) -> dict[str, Any]:
        assert response.status_code == 200, response.text
        found: dict[str, Any] = response.json()
        return found


class Vapi(Phone):
    path = "/v1/platforms/vapi"

    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        call = {"id": own_id, "name": tool, "arguments": arguments}
        return {"message": {"type": "tool-calls", "toolCallList": [call], "call": {"id": self.call_id}}}

    def read(self, response: httpx.Response) -> dict[str, Any]:
        (result,) = super().read(response)["results"]
        assert result.keys() == {"toolCallId", "result"}, result
        found: dict[str, Any] = json.loads(result["result"])
        return found


class Retell(Phone):
    path = "/v1/platforms/retell"

    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        said = {"role": "tool_call_invocation", "tool_call_id": own_id, "name": tool}
        said["arguments"] = json.dumps(arguments)
        call = {"call_id": self.call_id, "transcript_with_tool_calls": [said]}
        return {"name": tool, "args": arguments, "call": call}


class RetellWithoutTranscript(Retell):
    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        del own_id
        return {"name": tool, "args": arguments, "call": {"call_id": self.call_id}}


class ElevenLabs(Phone):
    path = "/v1/platforms/elevenlabs/{tool}"

    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        del tool, own_id
        return {**arguments, "conversation_id": self.call_id}


class Bolna(Phone):
    path = "/v1/platforms/bolna/{tool}"

    def body(self, tool: str, arguments: dict[str, Any], own_id: str) -> dict[str, Any]:
        del tool, own_id
        return {**arguments, "notes": "", "call_sid": self.call_id}


class OpenAi(Phone):
    """An agent of one's own, which calls the plain endpoints with what its model wants."""

    path = "/v1/tools/{tool}"

    def call(self, tool: str, arguments: dict[str, Any], *, own_id: str | None = None) -> Called:
        self._calls += 1
        headers = {"x-call-id": self.call_id, "x-tool-call-id": own_id or f"{self.call_id}-{self._calls}"}
        response = self.client.request("POST", self.path.format(tool=tool), json=arguments, headers=headers)
        return Called(response, self.read(response))


PHONES = (Vapi, Retell, RetellWithoutTranscript, ElevenLabs, Bolna, OpenAi)


def example(name: str) -> dict[str, Any]:
    """A recorded request, with the page that it follows."""
    found: dict[str, Any] = json.loads((EXAMPLES / f"{name}.json").read_text())
    return found

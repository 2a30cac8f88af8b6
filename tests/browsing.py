"""A browser without a screen, for what the dashboard's door promises past any page."""

import re
from typing import Any

import httpx

from slotkeeper.app import create_app
from slotkeeper.dashboard.visit import PREFIX
from slotkeeper.settings import Settings
from tests.world import World

PASSWORD = "correct horse battery"
"""The password of everybody in these tests."""


class Browser:
    """A browser without a screen: it keeps cookies, and follows nothing by itself."""

    def __init__(self, world: World, *, base: str = "http://desk.test", **settings: Any) -> None:
        self.world = world
        app = create_app(world.db, Settings(database_url=world.url, **settings), clock=world.clock)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        self.http = httpx.AsyncClient(transport=transport, base_url=base)

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.request("GET", path, headers=headers)

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self.world.run(self.http.request(method, PREFIX + path, **more))

    def post(self, path: str, fields: dict[str, str], *, page: str | None = None, **headers: str) -> httpx.Response:
        """Send the form of a page, by default the one at the same path."""
        token = form_token(self.get(path if page is None else page).text)
        return self.request("POST", path, data=fields | {"form_token": token}, headers=headers)

    def sign_in(self, email: str = "desk@example.org", password: str = PASSWORD, **headers: str) -> httpx.Response:
        return self.post(f"/sign-in/{self.org_id}", {"email": email, "password": password}, **headers)

    org_id = ""


def form_token(page: str) -> str:
    found = re.search(r'name="form_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


def location(answer: httpx.Response) -> str:
    assert answer.status_code == 303, answer.text
    return answer.headers["location"].removeprefix(PREFIX)

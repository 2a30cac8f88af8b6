"""The door itself: one request of a browser in, the checks in their order, one answer out.

The order: path → method → who is signed in → scope → where the form came from → the form → the view. What is refused is
explained: beside the form, with what was typed kept, or on a page of its own.
"""

import json
import logging
import secrets
from collections.abc import Iterable
from urllib.parse import quote, urlencode

from starlette.exceptions import HTTPException
from starlette.formparsers import MultiPartException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Match, Router
from starlette.routing import Route as Path
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slotkeeper.dashboard import seals
from slotkeeper.dashboard.cookies import BRANCH, FLASH, SESSION, Cookies
from slotkeeper.dashboard.forms import Form
from slotkeeper.dashboard.origin import address_of, is_https, is_ours, parts_of
from slotkeeper.dashboard.pages import WORTH_COMPRESSING, Pages, compressed, path, secret_of
from slotkeeper.dashboard.refusals import SHOWN_AGAIN, STATUS, ForeignForm, explain
from slotkeeper.dashboard.visit import PREFIX, Answer, Page, Redirect, Route, Site, View, Visit, redirect_of
from slotkeeper.domain.errors import (
    InternalError,
    InvalidInput,
    Kind,
    MethodNotAllowed,
    NotFound,
    PayloadTooLarge,
    RateLimitExceeded,
    SlotkeeperError,
    Unavailable,
)
from slotkeeper.domain.slot_ids import parse_uuid
from slotkeeper.operations.acts import Replayed
from slotkeeper.operations.facts import get_known
from slotkeeper.operations.sign_ins import find_signed_in
from slotkeeper.texts import texts_for

log = logging.getLogger(__name__)

MOST_FIELDS = 2_000
HTML = "text/html; charset=utf-8"
HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""What every answer says to the browser: nothing from elsewhere, nothing inline, no frame around it."""

SIGN_IN = "/sign-in"

Methods = dict[str, Route]


class SignInFirst(Exception):
    """Nobody is signed in, and the page is not open to everybody."""


class Dashboard:
    """Answers browsers by a table of routes."""

    def __init__(self, site: Site, routes: Iterable[Route]) -> None:
        self._site = site
        self._pages = Pages()
        paths: dict[str, Methods] = {}
        for route in sorted(routes, key=lambda route: "{" in route.path):
            methods = paths.setdefault(route.path, {})
            methods[route.method] = route
            if route.method == "GET":
                methods["HEAD"] = route
        doorways = [Path(PREFIX + below, Doorway(self, methods)) for below, methods in paths.items()]
        self._router = Router(doorways, default=Doorway(self, {}), redirect_slashes=False)

    def beside(self, other: ASGIApp) -> ASGIApp:
        """An application that answers what is below PREFIX by this one, and all else by another."""

        async def lead(scope: Scope, receive: Receive, send: Send) -> None:
            is_own = scope["type"] == "http" and (scope["path"] + "/").startswith(PREFIX + "/")
            await (self._router if is_own else other)(scope, receive, send)

        return lead

    async def answer(self, methods: Methods, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to a path with some methods, or to a path that leads nowhere."""
        visit = self._begin(Request(scope, receive))
        try:
            response = await self._answer(visit, methods)
        except ClientDisconnect:
            return
        except SignInFirst:
            response = self._sign_in_first(visit)
        except SlotkeeperError as error:
            response = self._refuse(visit, error)
        except Exception:  # the last resort, so that nobody ever sees a stack trace
            log.exception("request %s failed: %s %r", visit.request_id, scope["method"], scope["path"])
            response = self._refuse(visit, InternalError(visit.request_id))
        visit.cookies.write(response)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("cache-control", "no-store")
        response.headers["x-request-id"] = visit.request_id
        await response(scope, receive, _without_content(send) if scope["method"] == "HEAD" else send)

    def _begin(self, request: Request) -> Visit:
        cookies = Cookies(request.cookies, is_https=is_https(request, self._site))
        texts = texts_for(None, request.headers.get("accept-language", ""))
        address = address_of(request, self._site)
        return Visit(self._site, request, self._site.clock(), f"app_{secrets.token_hex(8)}", address, texts, cookies)

    async def _answer(self, visit: Visit, methods: Methods) -> Response:
        if not methods:
            raise NotFound(visit.texts.gettext("The address leads nowhere: it may be mistyped, or out of date."))
        method = visit.request.method
        route = methods.get(method)
        if route is None:
            raise MethodNotAllowed(method, tuple(methods))
        await self._identify(visit, route)
        if method == "POST":
            await self._read_form(visit, route)
        try:
            answer = await route.view(visit)
        except Replayed as before:
            answer = redirect_of(before.answer)
        except SlotkeeperError as refusal:
            again = route.again or _shows(methods)
            if method != "POST" or again is None or refusal.kind not in SHOWN_AGAIN:
                raise
            answer = await self._show_again(visit, refusal, again)
        return self._respond(visit, answer)

    async def _identify(self, visit: Visit, route: Route) -> None:
        """Find out who is signed in, and whether they may. Raises SignInFirst, InsufficientScope."""
        if route.is_open and not route.counts:
            return
        token = visit.cookies.get(SESSION)
        if token is not None:
            visit.who = await find_signed_in(
                visit.db, token, now=visit.now, request_id=visit.request_id, counts=route.counts
            )
        if visit.who is not None:
            visit.texts = texts_for(visit.who.user.language, visit.request.headers.get("accept-language", ""))
            visit.known = await get_known(visit.db, self._site.knowledge, visit.who.caller)
            _choose_branch(visit)
        if route.is_open:
            return
        if visit.who is None:
            raise SignInFirst
        if route.scope is not None:
            visit.who.caller.require(route.scope)

    async def _read_form(self, visit: Visit, route: Route) -> None:
        """Read what was sent. Raises ForeignForm, PayloadTooLarge, InvalidInput."""
        if not is_ours(visit.request, self._site):
            raise ForeignForm
        request = Request(visit.request.scope, _limited(visit.request.receive, route.largest))
        try:
            sent = await request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=route.largest)
            fields = [(name, value) for name, value in sent.multi_items() if isinstance(value, str)]
            files = {name: await value.read() for name, value in sent.multi_items() if not isinstance(value, str)}
            await request.close()
        except (HTTPException, MultiPartException) as error:
            raise InvalidInput.of("", visit.texts.gettext("This form cannot be read.")) from error
        visit.form = Form(fields, files, visit.texts)
        if not seals.is_form_token(visit.form.token, secret_of(visit)):
            raise ForeignForm

    async def _show_again(self, visit: Visit, refusal: SlotkeeperError, again: View) -> Answer:
        """The page of the form with what was typed, and why it was refused."""
        visit.refusal = refusal
        if isinstance(refusal, InvalidInput):
            visit.form.details = list(refusal.details)
        answer = await again(visit)
        return answer._replace(status=STATUS[refusal.kind]) if isinstance(answer, Page) else answer

    def _respond(self, visit: Visit, answer: Answer) -> Response:
        if isinstance(answer, Response):
            return answer
        if isinstance(answer, Redirect):
            if answer.flash is not None:
                visit.cookies.set(FLASH, seals.sealed(json.dumps(answer), secret_of(visit)))
            return Response(status_code=303, headers={"location": path(answer.path)})
        return self._render(visit, answer)

    def _render(self, visit: Visit, page: Page) -> Response:
        content = self._pages.render(visit, page)
        headers = {"content-language": visit.texts.tag, "vary": "accept-encoding, accept-language, cookie"}
        if len(content) >= WORTH_COMPRESSING and "gzip" in visit.request.headers.get("accept-encoding", ""):
            content = compressed(content)
            headers["content-encoding"] = "gzip"
        return Response(content, page.status, headers, HTML)

    def _sign_in_first(self, visit: Visit) -> Response:
        """Lead a person to the sign-in page, and back afterwards; tell a script that it is over."""
        visit.cookies.drop(SESSION)
        if visit.request.headers.get("sec-fetch-mode", "navigate") != "navigate":
            return Response(visit.texts.gettext("Sign in first."), 401, media_type="text/plain")
        is_form = visit.request.method == "POST"
        url = parts_of(visit.request.headers.get("referer", "") if is_form else str(visit.request.url))
        query = {"next": url.path.removeprefix(PREFIX) + (f"?{url.query}" if url.query else "")}
        if is_form:
            query = (query if self._is_page(url.path) else {}) | {"lost": "1"}
        after = f"?{urlencode(query, safe='/', quote_via=quote)}" if is_form or visit.request.method == "GET" else ""
        return Response(status_code=303, headers={"location": path(SIGN_IN) + after})

    def _is_page(self, at: str) -> bool:
        """Whether a path is that of one of our pages."""
        asked = {"type": "http", "method": "GET", "path": at, "root_path": "", "headers": []}
        found = (route for route in self._router.routes if route.matches(asked)[0] is Match.FULL)
        doorway = getattr(next(found, None), "endpoint", None)
        return isinstance(doorway, Doorway) and "GET" in doorway.methods

    def _refuse(self, visit: Visit, error: SlotkeeperError) -> Response:
        values = {"explained": explain(error, visit.texts), "is_ours": error.kind is Kind.INTERNAL}
        response = self._render(visit, Page("error.html", values, STATUS[error.kind]))
        if isinstance(error, RateLimitExceeded | Unavailable):
            response.headers["retry-after"] = str(error.retry_after)
        if isinstance(error, MethodNotAllowed):
            response.headers["allow"] = ", ".join(error.allowed)
        return response


class Doorway:
    """What the router calls for a path of the table."""

    def __init__(self, dashboard: Dashboard, methods: Methods) -> None:
        self.dashboard = dashboard
        self.methods = methods

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request to this path."""
        await self.dashboard.answer(self.methods, scope, receive, send)


def _shows(methods: Methods) -> View | None:
    """The view that shows what is at a path."""
    return methods["GET"].view if "GET" in methods else None


def _choose_branch(visit: Visit) -> None:
    """The branch that the address names, or that was looked at last, or the first; the first is remembered."""
    known = {branch.branch_id: branch for branch in visit.branches}
    asked = parse_uuid(visit.query("branch") or "")
    if asked in known:
        visit.branch = known[asked]
        if visit.cookies.get(BRANCH) != asked:
            visit.cookies.set(BRANCH, asked)
    else:
        visit.branch = known.get(visit.cookies.get(BRANCH) or "") or next(iter(known.values()), None)


def _limited(receive: Receive, largest: int) -> Receive:
    """What is received, as long as it is not too much. Raises PayloadTooLarge."""
    size = 0

    async def limited() -> Message:
        nonlocal size
        message = await receive()
        size += len(message.get("body", b""))
        if size > largest:
            raise PayloadTooLarge(f"What you send may be at most {largest // 1024} KiB.")
        return message

    return limited


def _without_content(send: Send) -> Send:
    async def headers_only(message: Message) -> None:
        await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

    return headers_only

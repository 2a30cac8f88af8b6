"""Forms as a page has them, read from its HTML: what can be typed into each, and what its buttons send."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import NamedTuple

OURS = ("form_token", "once")


class Control(NamedTuple):
    """A field: its type as HTML names it, what stands in it, and what can be chosen."""

    kind: str
    value: str
    options: tuple[str, ...] = ()
    lowest: str = ""


class Form(NamedTuple):
    """What one button of a form sends: to where, with which fields, and whether the browser looks at them before."""

    action: str
    controls: dict[str, Control]
    is_judged: bool = True

    @property
    def typed(self) -> tuple[str, ...]:
        """The names of the fields that are not put there by the page."""
        return tuple(sorted(name for name in self.controls if name not in OURS))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[tuple[dict[str, str], dict[str, Control]]] = []
        self.buttons: list[tuple[str, dict[str, str]]] = []
        self.owned: list[tuple[str, str, Control]] = []
        self._select: tuple[str, str, list[str], list[str]] | None = None
        self._area: tuple[str, str, list[str]] | None = None
        self._own = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name, owner = given.get("name", ""), given.get("form", self._own)
        if tag == "form":
            self._own = given.get("id") or f"form {len(self.forms)}"
            self.forms.append(({**given, "id": self._own}, {}))
        elif tag == "input" and name:
            is_off = given.get("type") in {"checkbox", "radio"} and "checked" not in given
            control = Control(given.get("type", "text"), given.get("value", ""), (), given.get("min", ""))
            if not is_off or given.get("type") == "checkbox":
                self.owned.append((owner, name, control))
        elif tag == "select" and name:
            self._select = (owner, name, [], [])
        elif tag == "option" and self._select is not None:
            self._select[2].append(given.get("value", ""))
            if "selected" in given:
                self._select[3].append(given.get("value", ""))
        elif tag == "textarea" and name:
            self._area = (owner, name, [])
        elif tag == "button" and given.get("type") != "button":
            self.buttons.append((owner, given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._own = ""
        elif tag == "select" and self._select is not None:
            owner, name, options, chosen = self._select
            self.owned.append((owner, name, Control("select", (chosen or options or [""])[0], tuple(options))))
            self._select = None
        elif tag == "textarea" and self._area is not None:
            owner, name, text = self._area
            self.owned.append((owner, name, Control("textarea", "".join(text).strip())))
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self._area[2].append(data)


def forms_of(page: str, method: str = "post") -> Iterator[Form]:
    """What each button of each form of a page sends."""
    reader = _Reader()
    reader.feed(page)
    forms = {given["id"]: (given, controls) for given, controls in reader.forms}
    for owner, name, control in reader.owned:
        if owner in forms:
            forms[owner][1].setdefault(name, control)
    for owner, button in reader.buttons:
        if owner in forms and forms[owner][0].get("method", "get") == method:
            given, controls = forms[owner]
            own = {button["name"]: Control("button", button.get("value", ""))} if button.get("name") else {}
            to = button.get("formaction") or given.get("action", "")
            yield Form(to, {**controls, **own}, "formnovalidate" not in button)

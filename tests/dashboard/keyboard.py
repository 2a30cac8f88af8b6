"""A person without a mouse: nothing is clicked, filled or given the focus but by keys."""

from playwright.sync_api import Page, expect

MOST_STOPS = 400
_NAME = """() => {
    const at = document.activeElement;
    if (!at || at === document.body) return "";
    const said = at.getAttribute("aria-label") || at.labels?.[0]?.textContent || at.textContent;
    return said.replace(/\\s+/g, " ").trim();
}"""
_SEEN = """() => {
    const style = getComputedStyle(document.activeElement);
    return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
}"""


class Keyboard:
    """The keys of a page."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def to(self, name: str, *, exact: bool = False) -> None:
        """Go on by the tabulator to what has a name, and see that it shows where one is."""
        for _ in range(MOST_STOPS):
            self.page.keyboard.press("Tab")
            found = self.page.evaluate(_NAME)
            if found == name or (not exact and name in found):
                assert self.page.evaluate(_SEEN), f"nothing shows that {name!r} has the focus"
                return
        raise AssertionError(f"the tabulator never reaches {name!r}")

    def fill(self, name: str, text: str, *, exact: bool = False) -> None:
        """Write into a field instead of what is there."""
        self.to(name, exact=exact)
        self.press("ControlOrMeta+a")
        self.type(text)

    def follow(self, name: str, heading: str | None = None, *, exact: bool = False) -> None:
        """Press a link or a button; ``heading`` is what the page is called to which it leads."""
        self.to(name, exact=exact)
        self.press("Enter")
        if heading is not None:
            self.sees(heading)

    def sees(self, heading: str) -> None:
        expect(self.page.get_by_role("heading", level=1)).to_have_text(heading)
        self.page.wait_for_load_state()

    def told(self, text: str) -> None:
        """What the page says has been done."""
        expect(self.page.get_by_role("status").first).to_contain_text(text)

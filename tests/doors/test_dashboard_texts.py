"""All that people read stands in one place: catalogues are up to date, and nothing is said past them."""

import io
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

import pytest
from babel.messages import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2 import Environment

from slotkeeper import texts
from slotkeeper.domain.errors import Conflict, SlotFull
from slotkeeper.texts import REFUSALS, catalogues, languages, texts_for, texts_of

ROOT = Path(__file__).parent.parent.parent
PACKAGE = ROOT / "src" / "slotkeeper"
DASHBOARD = PACKAGE / "dashboard"
TEMPLATES = sorted((DASHBOARD / "templates").glob("*.html"))
SCRIPTS = sorted((DASHBOARD / "static").glob("*.js"))
SPOKEN = ("title", "alt", "placeholder", "aria-label", "aria-description", "aria-roledescription", "data-text")
"""The attributes that people read or hear."""
NAMES = {"Slotkeeper"}


def extracted(folder: Path) -> str:
    """The template of all catalogues, as `make texts` writes it."""
    recipe = re.search(r"pybabel --quiet extract (.*?)\n\t+(.*?)\n", (ROOT / "Makefile").read_text(encoding="utf-8"))
    assert recipe is not None
    options = f"{recipe[1]} {recipe[2]}".replace("\\", "").replace("$(CURDIR)", str(ROOT)).split()
    place = options.index("-o")
    command = [sys.executable, "-m", "babel.messages.frontend", "--quiet", "extract", *options[:place]]
    subprocess.run([*command, "-o", str(folder / "texts.pot"), *options[place + 2 :]], cwd=PACKAGE, check=True)
    return (folder / "texts.pot").read_text(encoding="utf-8")


def template() -> Catalog:
    return read_po(io.BytesIO((PACKAGE / "locale" / "messages.pot").read_bytes()))


def test_the_texts_for_translators_are_those_of_the_pages(tmp_path: Path) -> None:
    kept = (PACKAGE / "locale" / "messages.pot").read_text(encoding="utf-8")
    assert extracted(tmp_path) == kept, "run 'make texts'"
    assert len(template()) > 30


@pytest.mark.parametrize("language", sorted(catalogues()) or ["none yet"])
def test_a_translation_has_every_text_with_its_values(language: str) -> None:
    if language not in catalogues():
        return
    translated = read_po(io.BytesIO(catalogues()[language].read_bytes()), locale=language.replace("-", "_"))
    for message in template():
        own = translated.get(message.id)
        assert own is not None, message.id
        assert own.string, message.id
        assert not own.fuzzy, message.id
        assert not list(own.check(translated)), message.id


def unspoken(source: str) -> list[str]:
    """What a template says past the catalogues: its text, and the attributes that people read."""
    plain = ""
    for _, kind, value in Environment().lex(source):
        if kind == "data":
            plain += value
        elif kind == "variable_end":
            plain += "\x00"
    plain = re.sub(r"<!--.*?-->", "", plain, flags=re.DOTALL)
    said = [f"{name}={value}" for name in SPOKEN for value in re.findall(rf'\s{name}="([^"]*)"', plain)]
    text = re.sub(r"<[^>]*>", "\n", plain)
    text = re.sub(r'[\w-]+="[^"]*"', "", text)  # what a macro puts into a tag
    said += [f"={line}" for line in text.splitlines()]
    said = [one for one in said if re.search(r"[^\W\d_]{2}", re.sub(r"&\w+;", "", one.partition("=")[2]))]
    return [one for one in said if one.partition("=")[2].strip(" ·\x00") not in NAMES]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_says_nothing_past_the_catalogues(path: Path) -> None:
    assert unspoken(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ("<p>Hello</p>", 1),
        ('<p title="Hello">{{ _("Hello") }}</p>', 1),
        ("<p>{{ x }} places</p>", 1),
        ("{% if x %}closed{% endif %}", 1),
        ('<p class="hello there">{{ _("Hello") }} · – {{ name }}: 1 &middot;</p>', 0),
        ('{# a comment #}<img alt="{{ _("Logo") }}"><!-- none -->', 0),
    ],
)
def test_the_check_of_templates_finds_what_is_said(source: str, count: int) -> None:
    assert len(unspoken(source)) == count


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_takes_its_words_from_the_page(path: Path) -> None:
    code = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    texts = re.findall(r"\"([^\"\n]*)\"|'([^'\n]*)'|`([^`]*)`", code)
    sentences = [text for pair in texts for text in pair if re.search(r"[A-Z][a-z]+ [a-z]+ [a-z]+", text)]
    assert sentences == []


@pytest.fixture
def pirate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A translation, made as a person makes one: a file beside the template."""
    catalog = Catalog(locale="nl")
    catalog.add("Fill this in.", "Vul dit in.")
    catalog.add("Write at most %(most)s characters, on one line.", "Hoogstens %(most)s tekens.")
    written = io.BytesIO()
    write_po(written, catalog)
    (tmp_path / "nl.po").write_bytes(written.getvalue())
    monkeypatch.setattr(texts, "_LOCALE", tmp_path)
    for cached in (catalogues, texts_of, texts._known):
        cached.cache_clear()
    monkeypatch.setitem(REFUSALS, "SLOT_FULL", "Fill this in.")
    return "nl"


@pytest.fixture(autouse=True)
def fresh() -> None:
    for cached in (catalogues, texts_of, texts._known):
        cached.cache_clear()


def test_a_translation_is_a_file(pirate: str) -> None:
    dutch = texts_for(pirate, "")
    assert dutch.gettext("Fill this in.") == "Vul dit in."
    assert dutch.gettext("Write at most %(most)s characters, on one line.", most=3) == "Hoogstens 3 tekens."
    assert dutch.gettext("Sign in") == "Sign in", "what is not translated stays English"
    assert dutch.date(date(2026, 6, 1)) == "maandag 1 juni 2026"
    assert dutch.refusal(SlotFull("Every window is full.")) == "Vul dit in."
    assert dutch.refusal(Conflict("It is taken.")) == "It is taken."
    assert texts_for(None, "nl-BE,en;q=0.5").tag == "nl-BE"
    assert texts_for(None, "nl-BE").gettext("Fill this in.") == "Vul dit in."
    assert "nl" in languages()


@pytest.mark.parametrize(
    ("chosen", "accepted", "tag"),
    [
        (None, "", "en-GB"),
        (None, "de,en-US;q=0.7", "en-US"),
        (None, "en-US;q=0.2, en-IN;q=0.9", "en-IN"),
        (None, "en", "en-GB"),
        (None, "*", "en-GB"),
        (None, "en-US;q=0", "en-GB"),
        (None, "en-US;q=x, \x00, ;;;, -, en_US", "en-GB"),
        (None, ",".join(["zz"] * 5000), "en-GB"),
        ("en-US", "en-IN", "en-US"),
        ("xx-YY", "en-IN", "en-IN"),
        ("not a tag", "", "en-GB"),
    ],
)
def test_the_language_is_the_persons_own_or_else_the_browsers(chosen: str | None, accepted: str, tag: str) -> None:
    assert texts_for(chosen, accepted).tag == tag


def test_dates_times_and_numbers_are_those_of_the_place() -> None:
    british, american = texts_of("en-GB"), texts_of("en-US")
    assert british.wall_time("14:30") == "14:30"
    assert american.wall_time("14:30").replace("\u202f", " ") == "2:30 PM"
    assert british.moment(1_780_300_800_000, "Asia/Kolkata") == "1 Jun 2026, 13:30"
    assert british.moment(1_780_300_800_000, "Asia/Kolkata", seconds=True) == "1 Jun 2026, 13:30:00"
    assert texts_of("en-US").moment(1_780_300_800_000, "UTC").replace("\u202f", " ") == "Jun 1, 2026, 8:00 AM"
    assert british.number(1234.5) == "1,234.5"
    assert british.percent(0.5) == "50%"
    assert british.ngettext("%(num)s place", "%(num)s places", 1234) == "1,234 places"
    assert british.direction == "ltr"


def test_the_package_reads_its_own_recipe() -> None:
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["babel"]["mappings"]
    assert {mapping["method"] for mapping in mappings} == {"python", "jinja2"}

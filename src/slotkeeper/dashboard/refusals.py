"""Refusals as pages: a kind of error is mapped to its HTTP status here and nowhere else, and told to a person."""

from typing import NamedTuple

from slotkeeper.domain.errors import InsufficientScope, InternalError, Kind, SlotkeeperError
from slotkeeper.texts import N_, Texts

STATUS: dict[Kind, int] = {
    Kind.INVALID: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.METHOD: 405,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.MEDIA_TYPE: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.RATE_LIMITED: 429,
    Kind.INTERNAL: 500,
    Kind.UNAVAILABLE: 503,
}

SHOWN_AGAIN = frozenset({Kind.INVALID, Kind.CONFLICT, Kind.UNPROCESSABLE, Kind.RATE_LIMITED})
"""The kinds of refusals that are explained beside the form, with what was typed kept."""

TITLES: dict[Kind, str] = {
    Kind.INVALID: N_("Something is not right"),
    Kind.FORBIDDEN: N_("This is not for you to do"),
    Kind.NOT_FOUND: N_("There is nothing here"),
    Kind.CONFLICT: N_("This cannot be done"),
    Kind.UNPROCESSABLE: N_("This cannot be done"),
    Kind.TOO_LARGE: N_("This is too large"),
    Kind.RATE_LIMITED: N_("Too many attempts"),
    Kind.UNAVAILABLE: N_("Not now"),
}
OTHERWISE = N_("Something went wrong")


class ForeignForm(SlotkeeperError):
    """A form that did not come from a page of ours in this browser, or from one of another sign-in."""

    code, kind = "FOREIGN_FORM", Kind.FORBIDDEN

    def __init__(self) -> None:
        super().__init__(
            N_("This form does not belong to this sign-in: go back, load the page again, and send it once more.")
        )


class ChangedMeanwhile(SlotkeeperError):
    """What a form is about is not as its page showed it any more."""

    code, kind = "CHANGED_MEANWHILE", Kind.CONFLICT

    def __init__(self, texts: Texts) -> None:
        sentence = N_("This was changed meanwhile. Look at how it stands now, and say again what is to be done.")
        super().__init__(texts.gettext(sentence))


class Explained(NamedTuple):
    """What an error page says."""

    title: str
    sentence: str


def explain(error: SlotkeeperError, texts: Texts) -> Explained:
    """A refusal in words for the person at the desk."""
    title = texts.gettext(TITLES.get(error.kind, OTHERWISE))
    if isinstance(error, ForeignForm):
        return Explained(title, texts.gettext(error.message))
    if isinstance(error, InsufficientScope):
        sentence = N_("Your role does not allow this; an admin of your clinic can change it.")
        return Explained(title, texts.gettext(sentence))
    if isinstance(error, InternalError):
        sentence = N_("It is our fault, and it was noted. Tell whoever runs Slotkeeper the number below.")
        return Explained(title, texts.gettext(sentence))
    return Explained(title, texts.refusal(error))

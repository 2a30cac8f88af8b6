"""The whole dashboard on one page: method, path, view, and the scope that it asks for.

A path stands below ``PREFIX``. A scope of None lets in whoever is signed in; what is open to everybody says so.
"""

from slotkeeper.dashboard.board import poll_board, show_board, show_month, stream_board
from slotkeeper.dashboard.files import show_file
from slotkeeper.dashboard.sign_in import (
    change_password,
    show_home,
    show_link,
    show_password,
    show_sign_in,
    sign_in,
    sign_out,
    use_link,
)
from slotkeeper.dashboard.visit import Route
from slotkeeper.domain.access import Scope

ROUTES: tuple[Route, ...] = (
    Route("GET", "", show_home, is_open=True),
    Route("GET", "/", show_home, is_open=True),
    Route("GET", "/static/{name}", show_file, is_open=True, counts=False),
    # Signing in and out.
    Route("GET", "/sign-in", show_sign_in, is_open=True),
    Route("POST", "/sign-in", sign_in, is_open=True),
    Route("GET", "/sign-in/{clinic}", show_sign_in, is_open=True),
    Route("POST", "/sign-in/{clinic}", sign_in, is_open=True),
    Route("GET", "/link/{secret}", show_link, is_open=True),
    Route("POST", "/link/{secret}", use_link, is_open=True),
    Route("POST", "/sign-out", sign_out),
    Route("GET", "/password", show_password),
    Route("POST", "/password", change_password),
    # The board.
    Route("GET", "/board", show_board, Scope.SLOTS_READ),
    Route("GET", "/board/month", show_month, Scope.SLOTS_READ),
    Route("GET", "/board/live", stream_board, Scope.SLOTS_READ, counts=False),
    Route("GET", "/board/changes", poll_board, Scope.SLOTS_READ, counts=False),
)

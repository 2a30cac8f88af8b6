"""The whole dashboard on one page: method, path, view, and the scope that it asks for.

A path stands below ``PREFIX``. A scope of None lets in whoever is signed in; what is open to everybody says so.
"""

from slotkeeper.dashboard.appointments import (
    cancel_appointment,
    change_details,
    find_appointments,
    mark_appointment,
    move_appointment,
    show_appointment,
    show_cancelling,
    show_moving,
    show_openings,
)
from slotkeeper.dashboard.audit import show_audit
from slotkeeper.dashboard.board import poll_board, show_board, show_month, stream_board
from slotkeeper.dashboard.closures import add_closure, remove_closure, show_closures
from slotkeeper.dashboard.configuration import (
    change_branch,
    change_configuration,
    change_service,
    open_branch,
    open_service,
    show_branch,
    show_configuration,
    show_new_branch,
    show_new_service,
    show_service,
)
from slotkeeper.dashboard.day import book, show_day, show_today, show_window
from slotkeeper.dashboard.files import show_file
from slotkeeper.dashboard.keys import make_key, revoke_key, show_key, show_keys, show_new_key
from slotkeeper.dashboard.people import (
    change_person,
    disable_person,
    enable_person,
    invite_person,
    reset_person,
    show_invitation,
    show_people,
    show_person,
)
from slotkeeper.dashboard.regenerate import regenerate, show_regenerate
from slotkeeper.dashboard.reports import plot_no_room, plot_outlook, plot_shares, plot_utilisation, show_reports
from slotkeeper.dashboard.schedule import set_places, set_service, set_status, show_window_date
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
from slotkeeper.dashboard.window_import import LARGEST_FILE, import_windows, show_import
from slotkeeper.dashboard.windows import create_window, disable_window, enable_window, show_windows, update_window
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
    # The schedule: one date of a window.
    Route("GET", "/schedule/{calendar_id}/{date}", show_window_date, Scope.SLOTS_WRITE),
    Route("POST", "/schedule/{calendar_id}/{date}/status", set_status, Scope.SLOTS_WRITE, again=show_window_date),
    Route("POST", "/schedule/{calendar_id}/{date}/places", set_places, Scope.SLOTS_WRITE, again=show_window_date),
    Route(
        "POST",
        "/schedule/{calendar_id}/{date}/services/{service_id}",
        set_service,
        Scope.SLOTS_WRITE,
        again=show_window_date,
    ),
    # The schedule: the weekly windows.
    Route("GET", "/windows", show_windows, Scope.SLOTS_WRITE),
    Route("POST", "/windows", create_window, Scope.SLOTS_WRITE),
    Route("POST", "/windows/{calendar_id}", update_window, Scope.SLOTS_WRITE, again=show_windows),
    Route("POST", "/windows/{calendar_id}/disable", disable_window, Scope.SLOTS_WRITE, again=show_windows),
    Route("POST", "/windows/{calendar_id}/enable", enable_window, Scope.SLOTS_WRITE, again=show_windows),
    Route("GET", "/windows/import", show_import, Scope.SLOTS_WRITE),
    Route("POST", "/windows/import", import_windows, Scope.SLOTS_WRITE, largest=LARGEST_FILE),
    # The schedule: closures.
    Route("GET", "/closures", show_closures, Scope.SLOTS_WRITE),
    Route("POST", "/closures", add_closure, Scope.SLOTS_WRITE),
    Route("POST", "/closures/{closure_id}/remove", remove_closure, Scope.SLOTS_WRITE, again=show_closures),
    # The schedule: regenerate.
    Route("GET", "/regenerate", show_regenerate, Scope.SLOTS_WRITE),
    Route("POST", "/regenerate", regenerate, Scope.SLOTS_WRITE),
    # A day, and whoever is booked on it.
    Route("GET", "/day", show_today, Scope.APPOINTMENTS_READ),
    Route("GET", "/day/{date}", show_day, Scope.APPOINTMENTS_READ),
    Route("GET", "/day/{calendar}/{date}", show_window, Scope.APPOINTMENTS_READ),
    Route("POST", "/day/{calendar}/{date}", book, Scope.APPOINTMENTS_WRITE),
    Route("GET", "/find", find_appointments, Scope.APPOINTMENTS_READ),
    Route("GET", "/appointment/{appointment}", show_appointment, Scope.APPOINTMENTS_READ),
    Route(
        "POST", "/appointment/{appointment}/mark", mark_appointment, Scope.APPOINTMENTS_WRITE, again=show_appointment
    ),
    Route(
        "POST", "/appointment/{appointment}/details", change_details, Scope.APPOINTMENTS_WRITE, again=show_appointment
    ),
    Route("GET", "/appointment/{appointment}/cancel", show_cancelling, Scope.APPOINTMENTS_READ),
    Route("POST", "/appointment/{appointment}/cancel", cancel_appointment, Scope.APPOINTMENTS_WRITE),
    Route("GET", "/appointment/{appointment}/move", show_openings, Scope.APPOINTMENTS_READ),
    Route("GET", "/appointment/{appointment}/move/{calendar}/{date}", show_moving, Scope.APPOINTMENTS_READ),
    Route("POST", "/appointment/{appointment}/move/{calendar}/{date}", move_appointment, Scope.APPOINTMENTS_WRITE),
    # Reports, and their plots.
    Route("GET", "/reports", show_reports, Scope.SLOTS_READ),
    Route("GET", "/reports/utilisation.svg", plot_utilisation, Scope.SLOTS_READ, counts=False),
    Route("GET", "/reports/shares.svg", plot_shares, Scope.APPOINTMENTS_READ, counts=False),
    Route("GET", "/reports/outlook.svg", plot_outlook, Scope.SLOTS_READ, counts=False),
    Route("GET", "/reports/no-room.svg", plot_no_room, Scope.APPOINTMENTS_READ, counts=False),
    # Keys, people, configuration, audit.
    Route("GET", "/keys", show_keys, Scope.ADMIN),
    Route("GET", "/keys/new", show_new_key, Scope.ADMIN),
    Route("POST", "/keys/new", make_key, Scope.ADMIN),
    Route("GET", "/keys/{key}/revoke", show_key, Scope.ADMIN),
    Route("POST", "/keys/{key}/revoke", revoke_key, Scope.ADMIN),
    Route("GET", "/people", show_people, Scope.ADMIN),
    Route("GET", "/people/new", show_invitation, Scope.ADMIN),
    Route("POST", "/people/new", invite_person, Scope.ADMIN),
    Route("GET", "/people/{user}", show_person, Scope.ADMIN),
    Route("POST", "/people/{user}", change_person, Scope.ADMIN),
    Route("POST", "/people/{user}/disable", disable_person, Scope.ADMIN, again=show_person),
    Route("POST", "/people/{user}/enable", enable_person, Scope.ADMIN, again=show_person),
    Route("POST", "/people/{user}/link", reset_person, Scope.ADMIN, again=show_person),
    Route("GET", "/configuration", show_configuration, Scope.ADMIN),
    Route("POST", "/configuration", change_configuration, Scope.ADMIN),
    Route("GET", "/configuration/branches/new", show_new_branch, Scope.ADMIN),
    Route("POST", "/configuration/branches/new", open_branch, Scope.ADMIN),
    Route("GET", "/configuration/branches/{id}", show_branch, Scope.ADMIN),
    Route("POST", "/configuration/branches/{id}", change_branch, Scope.ADMIN),
    Route("GET", "/configuration/services/new", show_new_service, Scope.ADMIN),
    Route("POST", "/configuration/services/new", open_service, Scope.ADMIN),
    Route("GET", "/configuration/services/{id}", show_service, Scope.ADMIN),
    Route("POST", "/configuration/services/{id}", change_service, Scope.ADMIN),
    Route("GET", "/audit", show_audit, Scope.ADMIN),
)

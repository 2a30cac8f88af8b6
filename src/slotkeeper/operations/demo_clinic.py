"""The demo clinic as data: its branches, services, weekly windows and people, all of them made up.

Ids are fixed, so that guides can quote them; the first window is the one of the API page's example.
"""

import uuid
from itertools import count

from slotkeeper.domain.calendar import parse_instant
from slotkeeper.domain.model import DAYS, Branch, Configuration, Day, Organization, Service, Session, Window
from slotkeeper.domain.users import Role

OPENED_AT = parse_instant("2026-05-01T10:00:00.000Z")
ORGANIZATION = Organization(
    "0d3c1f2a-5b7e-4c8d-9a10-5107c11a1c00", "Sunrise Family Clinic", OPENED_AT, Configuration(timezone="Asia/Kolkata")
)

MAIN_STREET = "3f2b8c1d-6e4a-4f59-8b7c-2d1e0f9a8b7c"
RIVERSIDE = "7c9e6679-7425-40de-944b-e07fc1f90ae7"

CHECKUP = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
VACCINATION = "9b2d7a54-0c1e-4f6b-8d3a-5e7f1a2b3c4d"
DENTAL = "c56a4180-65aa-42ec-a945-5fd21dec0538"
PHYSIOTHERAPY = "6fa459ea-ee8a-4ca4-894e-db77e160355e"

EXAMPLE_WINDOW = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"

BRANCHES = (
    Branch(MAIN_STREET, "Main Street", None, OPENED_AT, OPENED_AT),
    Branch(RIVERSIDE, "Riverside", None, OPENED_AT, OPENED_AT),
)
SERVICES = (
    Service(CHECKUP, "General Checkup", True, OPENED_AT, OPENED_AT),
    Service(VACCINATION, "Vaccination", True, OPENED_AT, OPENED_AT),
    Service(DENTAL, "Dental Cleaning", True, OPENED_AT, OPENED_AT),
    Service(PHYSIOTHERAPY, "Physiotherapy", True, OPENED_AT, OPENED_AT),
)

MORNING, AFTERNOON, EVENING = Session
WEEK = DAYS[:6]

# branch, days, session, batch, start, end, service (None: every one), max_slots, ai_slots (None: follows max_slots)
_WEEKLY: tuple[tuple[str, tuple[Day, ...], Session, str, str, str, str | None, int, int | None], ...] = (
    (MAIN_STREET, WEEK, MORNING, "MA", "09:00", "11:00", None, 20, 10),
    (MAIN_STREET, WEEK, AFTERNOON, "AA", "14:00", "16:00", None, 16, 8),
    (MAIN_STREET, WEEK, EVENING, "EA", "17:00", "19:00", None, 12, None),
    (MAIN_STREET, (Day.TUESDAY, Day.THURSDAY), AFTERNOON, "AV", "16:00", "17:00", VACCINATION, 10, 5),
    (MAIN_STREET, (Day.WEDNESDAY, Day.FRIDAY), MORNING, "MP", "11:00", "13:00", PHYSIOTHERAPY, 8, 4),
    # Not on Monday mornings, so that the page's request for a Monday morning has the page's one slot as its answer.
    (RIVERSIDE, WEEK[1:], MORNING, "MA", "10:00", "12:30", None, 15, 8),
    (RIVERSIDE, WEEK, AFTERNOON, "AA", "14:30", "17:00", None, 12, 6),
    (RIVERSIDE, WEEK, EVENING, "EA", "18:00", "20:00", None, 10, None),
    (RIVERSIDE, (Day.WEDNESDAY, Day.SATURDAY), AFTERNOON, "AD", "12:30", "14:30", DENTAL, 6, 3),
)

FIRST_NAMES = (
    "Aarav", "Aditi", "Ananya", "Arjun", "Diya", "Farah", "Ishaan", "Kabir", "Kavya", "Leela", "Maya", "Meera",
    "Neel", "Nisha", "Omar", "Priya", "Rahul", "Riya", "Rohan", "Sana", "Tara", "Vikram", "Yash", "Zoya",
)  # fmt: skip
LAST_NAMES = (
    "Bose", "Chopra", "Das", "Fernandes", "Ghosh", "Gupta", "Iyer", "Joshi", "Kapoor", "Khan", "Kulkarni", "Menon",
    "Mehta", "Nair", "Patel", "Pillai", "Rao", "Reddy", "Sharma", "Shetty", "Singh", "Thomas", "Varma",
)  # fmt: skip

# e-mail, name, role
PEOPLE = (
    ("asha@sunrise.example", "Asha Rao", Role.ADMIN),
    ("ravi@sunrise.example", "Ravi Iyer", Role.MANAGER),
    ("meera@sunrise.example", "Meera Nair", Role.DESK),
)


def list_windows() -> list[Window]:
    """The clinic's weekly windows; the first is the page's example."""
    numbers = count(1)
    return [
        Window(
            EXAMPLE_WINDOW if number == 1 else str(uuid.uuid5(uuid.UUID(EXAMPLE_WINDOW), str(number))),
            branch_id, day, session, batch, start, end, service_id, max_slots, ai_slots, True, OPENED_AT, OPENED_AT,
        )
        for branch_id, days, session, batch, start, end, service_id, max_slots, ai_slots in _WEEKLY
        for day in days
        for number in [next(numbers)]
    ]  # fmt: skip

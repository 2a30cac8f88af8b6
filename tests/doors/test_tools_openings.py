"""What can be booked, by voice: when there is room, why there is none, and what there is instead."""

from datetime import date
from typing import Any

import pytest

from slotkeeper.domain.access import Scope
from slotkeeper.texts import texts_of
from slotkeeper.tools.speech import Speech
from tests.doors.tooling import Agent, Clinic, open_clinic
from tests.world import Cast, Client, World, good

CHECK = "check_availability"
SAY = Speech(texts_of("en-GB"))


@pytest.fixture
def clinic(owner: Client) -> Clinic:
    return open_clinic(owner)


def check(clinic: Clinic, code: str, **said: Any) -> dict[str, Any]:
    done = clinic.agent.done if code == "OPEN" else clinic.agent.refused
    return done(CHECK, code, **{"service": "checkup"} | said)


def test_times_that_are_meant_are_offered_and_no_others(clinic: Clinic) -> None:
    both = check(clinic, "OPEN", date="next Monday")
    assert [one["time"] for one in both["options"]] == ["2026-06-08T09:00", "2026-06-08T15:00"]
    for said, time in (
        ({"date": "Monday the 8th in the morning"}, "09:00"),
        ({"date": "June 8th", "time": "in the afternoon"}, "15:00"),
        ({"date": "June 8th", "time": "after 4"}, "16:00"),
        ({"date": "June 8th at half past ten"}, "10:30"),
        ({"date": "June 8th", "time": "10ish"}, "09:30"),
        ({"date": "2026-06-08", "time": "16:30"}, "16:30"),
    ):
        found = check(clinic, "OPEN", **said)
        assert [one["time"] for one in found["options"]] == [f"2026-06-08T{time}"], said
    exact = check(clinic, "OPEN", date="June 8th at half past ten")
    assert exact["spoken"] == "On Monday the 8th of June there is room at half past ten in the morning."


def test_an_option_books_as_it_is(clinic: Clinic) -> None:
    option = check(clinic, "OPEN", date="June 8th", time="after 4")["options"][0]
    assert option["slot_id"] == f"{clinic.afternoon}||2026-06-08||{clinic.checkup}"
    said = {"patient_name": "Asha Rao", "phone": "555 555 5555"}
    booked = clinic.agent.done("book_appointment", "BOOKED", slot_id=option["slot_id"], time=option["time"], **said)
    assert booked["data"]["time"] == option["time"] == "2026-06-08T16:00"


def test_a_range_of_dates_offers_the_first_three(clinic: Clinic) -> None:
    found = check(clinic, "OPEN", date="next month")
    assert found["date"] is None
    assert [one["time"][:10] for one in found["options"]] == ["2026-07-06", "2026-07-06", "2026-07-13"]


def test_today_is_offered_from_now_on(clinic: Clinic) -> None:
    clinic.owner.world.clock.set("2026-06-01T08:31:00Z")
    found = check(clinic, "OPEN", date="today")
    assert [one["time"] for one in found["options"]] == ["2026-06-01T10:35", "2026-06-01T15:00"]
    clinic.owner.world.clock.set("2026-06-01T16:00:00Z")
    over = check(clinic, "IN_THE_PAST", date="today")
    assert over["options"][0]["time"] == "2026-06-08T09:00"
    assert over["spoken"].startswith("Our hours are over for today; the next free is Monday the 8th of June from nine ")


def test_an_option_s_own_time_does_beside_its_date(clinic: Clinic) -> None:
    time = check(clinic, "OPEN", date="June 8th")["options"][0]["time"]
    for on in ("2026-06-08", "June 8th", "next week", time):
        assert check(clinic, "OPEN", date=on, time=time)["options"][0]["time"] == time, on
    clinic.agent.done("find_next_available", "OPEN", service="checkup", time="2026-06-08 09:00", date="next week")
    alone = clinic.agent.done("find_next_available", "OPEN", service="checkup", time=time)
    assert alone["options"][0]["time"] == time
    held = clinic.agent.done("hold_slot", "HELD", service="checkup", date="2026-06-08", time=time)
    assert held["data"]["time"] == time
    assert check(clinic, "DATE_AMBIGUOUS", date="June 15th", time=time)["data"]["advice"]


def test_a_time_in_capitals_is_no_date(clinic: Clinic) -> None:
    slot_id = f"{clinic.afternoon}||2026-06-08||{clinic.checkup}"
    for said, time in (("Three", "15:00"), ("Half past Three", "15:30"), ("Three o'clock", "15:00"), ("Four", "16:00")):
        held = clinic.agent.done("hold_slot", "HELD", slot_id=slot_id, time=said)
        assert held["data"]["time"] == f"2026-06-08T{time}", said
        clinic.agent.done("release_hold", "RELEASED", hold_id=held["data"]["hold_id"])
    clinic.agent.done("hold_slot", "HELD", slot_id=slot_id, time="8 June at four")
    clinic.agent.refused("hold_slot", "DATE_AMBIGUOUS", slot_id=slot_id, time="Tuesday at Three")
    clinic.agent.refused("hold_slot", "DATE_NEEDED", service="checkup", time="Ten in the morning")


def test_a_time_to_move_to_is_of_the_same_day_unless_it_says_another(clinic: Clinic) -> None:
    asha = {"patient_name": "Asha Rao", "phone": "555 555 5555"}
    clinic.agent.done("book_appointment", "BOOKED", service="checkup", date="June 8th", time="9:30", **asha)
    for said, time in (("Ten", "08T10:00"), ("Half past Three", "08T15:30"), ("Monday June 15th at Ten", "15T10:00")):
        moved = clinic.agent.done("reschedule_appointment", "MOVED", time=said, **asha)
        assert moved["data"]["time"] == f"2026-06-{time}", said
    there = {"slot_id": f"{clinic.morning}||2026-06-22||{clinic.checkup}", "time": "Nine"}
    moved = clinic.agent.done("reschedule_appointment", "MOVED", **there, **asha)
    assert moved["data"]["time"] == "2026-06-22T09:00"


def test_a_part_of_the_day_is_kept_when_a_time_comes_beside_it(clinic: Clinic) -> None:
    clinic.owner.window(session="Evening", start_time="18:00", end_time="20:00")
    hold = {"service": "checkup", "date": "Monday June 8th in the evening"}
    for said in ("7", "seven", "at Seven"):
        held = clinic.agent.done("hold_slot", "HELD", **hold, time=said)
        assert held["data"]["time"] == "2026-06-08T19:00"
        clinic.agent.done("release_hold", "RELEASED", hold_id=held["data"]["hold_id"])
    held = clinic.agent.done("hold_slot", "HELD", service="checkup", date="June 8th at seven", time="in the evening")
    assert held["data"]["time"] == "2026-06-08T19:00"
    found = check(clinic, "OPEN", date="June 8th in the morning", time="after 9")
    assert [one["time"] for one in found["options"]] == ["2026-06-08T09:00"]
    asked = check(clinic, "TIME_NEEDED", date="June 8th in the morning", time="3 pm")
    assert asked["spoken"] == "Do you mean in the morning or at three in the afternoon?"
    asked = check(clinic, "TIME_NEEDED", date="June 8th at 9:30", time="10")
    assert asked["spoken"] == "Do you mean at half past nine in the morning or at ten in the morning?"
    refused = clinic.agent.refused(
        "hold_slot", "OUTSIDE_AVAILABILITY", service="checkup", date="June 8th in the morning", time="5"
    )
    assert refused["spoken"].startswith("We have no hours at five in the morning on Monday the 8th of June; ")


def test_hours_from_to_are_offered_and_asked_for_one(clinic: Clinic) -> None:
    found = check(clinic, "OPEN", date="June 8th", time="10 to 12")
    assert [one["time"] for one in found["options"]] == ["2026-06-08T10:00"]
    clinic.agent.refused("hold_slot", "TIME_NEEDED", service="checkup", date="Monday June 8th 3 to 4 pm")
    none = check(clinic, "NOTHING_FREE", date="June 8th", time="5 to 7 pm")
    assert none["spoken"].startswith("Nothing is free from five in the afternoon to seven in the evening on Monday")


def test_a_time_at_which_nothing_is_ever_free_does_not_make_the_clinic_full(clinic: Clinic) -> None:
    for said, times in (("7", "at seven in the morning"), ("before 9", "before nine in the morning")):
        asked = {"service": "checkup", "date": "June 8th", "time": said}
        found = clinic.agent.refused("find_next_available", "NOTHING_FREE", **asked)
        assert found["spoken"] == (
            f"Nothing is free for General Checkup {times} in the next 60 days; the next free is Monday the 8th of June "
            "from nine to eleven in the morning or from three to five in the afternoon."
        )
        assert [one["time"] for one in found["options"]][:2] == ["2026-06-08T09:00", "2026-06-08T15:00"]

    week = check(clinic, "NOTHING_FREE", date="next week", time="7")
    assert week["spoken"].startswith("Nothing is free at seven in the morning in those days; the next free is Monday ")


def test_an_explanation_is_of_the_time_that_is_meant(clinic: Clinic) -> None:
    def explained(code: str, time: str) -> str:
        said = clinic.agent.done("explain_unavailable", code, service="checkup", date="June 8th", time=time)
        return str(said["spoken"])

    assert explained("NOTHING_FREE", "between 1 and 2") == (
        "Nothing is free from one to two in the afternoon on Monday the 8th of June."
    )
    assert explained("NOTHING_FREE", "after 11 at night") == (
        "Nothing is free after eleven at night on Monday the 8th of June."
    )
    assert explained("NOTHING_FREE", "1ish") == (
        "Nothing is free around one in the afternoon on Monday the 8th of June."
    )
    assert explained("OPEN", "after 4") == (
        "It can be booked: there is room on Monday the 8th of June from four to five in the afternoon."
    )
    assert explained("NO_WINDOW", "noon") == "We have no hours at noon on Monday the 8th of June."
    whole = clinic.agent.done("explain_unavailable", "OPEN", service="checkup", date="June 8th")
    assert whole["spoken"] == "It can be booked: Monday the 8th of June is open."


def test_each_reason_has_a_code_and_a_sentence_and_something_instead(clinic: Clinic) -> None:
    owner = clinic.owner
    owner.window(day="tuesday", max_slots=1)
    for day in ("wednesday", "thursday", "friday"):
        owner.window(day=day)
    asha = {"patient_name": "Asha Rao", "phone": "555 555 5555"}
    clinic.agent.done("book_appointment", "BOOKED", service="checkup", date="2026-06-09", time="9:30", **asha)
    wednesday = next(one["calendar_id"] for one in owner.slots("2026-06-10"))
    owner.override(wednesday, "2026-06-10", status="CLOSED")
    good(owner.post("/v1/closures", {"date_from": "2026-06-11", "reason": "A feast"}), 201)
    for on, code, sentence in (
        ("2026-06-09", "FULL", "Everything is taken on Tuesday the 9th of June; "),
        ("2026-06-10", "CLOSED_ON_DATE", "We are closed on Wednesday the 10th of June; "),
        ("2026-06-11", "CLOSURE", "We are closed on Thursday the 11th of June; "),
        ("2026-06-13", "NO_WINDOW", "We have no hours on Saturday the 13th of June; "),
    ):
        found = check(clinic, code, date=on)
        assert found["spoken"].startswith(sentence), found
        assert "the next free is Friday the 12th of June" in found["spoken"] or on == "2026-06-13"
        assert len(found["options"]) >= 2
        why = clinic.agent.done("explain_unavailable", code, date=on, service="checkup")
        assert why["spoken"] == sentence.replace("; ", ".")


def test_the_rules_of_time_are_said(clinic: Clinic) -> None:
    good(clinic.owner.patch("/v1/appointment-config", {"min_notice_hours": 200, "max_advance_days": 20}))
    assert "200 hours of notice" in check(clinic, "TOO_SOON", date="June 8th")["spoken"]
    assert "20 days ahead" in check(clinic, "TOO_FAR_AHEAD", date="July 6th")["spoken"]
    for on, code in (("June 8th", "TOO_SOON"), ("July 6th", "TOO_FAR_AHEAD")):
        for tool, more in (("hold_slot", {}), ("book_appointment", {"patient_name": "A", "phone": "5555555"})):
            said = clinic.agent.refused(tool, code, service="checkup", date=on, time="9:30", **more)
            assert said["options"][0]["time"][:10] == "2026-06-15"


def test_a_date_that_two_people_take_for_two_is_asked_back(clinic: Clinic) -> None:
    asked = check(clinic, "DATE_AMBIGUOUS", date="next Friday")
    assert asked["spoken"] == "Do you mean Friday the 5th of June or Friday the 12th of June?"
    assert [one["date"] for one in asked["options"]] == ["2026-06-05", "2026-06-12"]
    assert check(clinic, "DATE_IS_ANOTHER_WEEKDAY", date="Monday the 9th")["options"]
    assert check(clinic, "DATE_NOT_REAL", date="June 31st")["spoken"] == "There is no such date; which day do you mean?"
    assert "Today is Monday the 1st of June." in check(clinic, "DATE_NOT_UNDERSTOOD", date="mumble")["spoken"]
    assert check(clinic, "TIME_NOT_UNDERSTOOD", date="June 8th", time="mumble")["date"] == "2026-06-08"


@pytest.mark.parametrize(
    "said", ["General Checkup", "general checkup", "checkup", "check up", "a general check-up", "chekup"]
)
def test_a_service_is_known_by_what_it_is_called(clinic: Clinic, said: str) -> None:
    assert check(clinic, "OPEN", date="June 8th", service=said)["data"]["service"] == "General Checkup"


def test_what_is_not_known_is_asked_back(clinic: Clinic) -> None:
    asked = clinic.agent.refused(CHECK, "SERVICE_NEEDED", date="June 8th")
    assert asked["spoken"] == "What is the appointment for: General Checkup or Vaccination?"
    assert [one["service_id"] for one in asked["options"]] == [clinic.checkup, clinic.vaccination]
    check(clinic, "SERVICE_UNKNOWN", date="June 8th", service="dentist")
    clinic.owner.service("Flu Vaccination")
    clinic.owner.service("Vaccination for Travel")
    named = "Flu Vaccination, General Checkup, Vaccination {} Vaccination for Travel"
    assert clinic.agent.done("list_services", "LISTED")["spoken"] == f"You can book {named.format('and')}."
    asked = clinic.agent.refused(CHECK, "SERVICE_NEEDED", date="June 8th")
    assert asked["spoken"] == f"What is the appointment for: {named.format('or')}?"
    asked = check(clinic, "SERVICE_AMBIGUOUS", date="June 8th", service="vaccinations for")
    assert len(asked["options"]) == 3
    check(clinic, "OPEN", date="June 8th", service="flu")
    good(clinic.owner.patch(f"/v1/services/{clinic.checkup}", {"active": False}))
    check(clinic, "SERVICE_NOT_OFFERED", date="June 8th")


def test_with_several_branches_each_option_names_its_own(clinic: Clinic) -> None:
    other = clinic.owner.branch("Lake View", timezone="Europe/Berlin")
    clinic.owner.window(branch_id=other, start_time="08:00", end_time="09:00")
    found = check(clinic, "OPEN", date="June 8th")
    assert found["options"][0]["spoken"].endswith("from eight to nine in the morning at Lake View")
    there = check(clinic, "OPEN", date="June 8th", branch="lake")
    assert [one["time"] for one in there["options"]] == ["2026-06-08T08:00"]
    anywhere = check(clinic, "OPEN", date="June 8th", branch="either")
    assert anywhere["options"] == found["options"]
    check(clinic, "BRANCH_UNKNOWN", date="June 8th", branch="the moon")
    asked = clinic.agent.refused("hold_slot", "BRANCH_NEEDED", service="checkup", date="June 8th", time="8:30")
    assert asked["spoken"] == "Which branch would you like: Lake View or Main Street?"


def test_dates_are_those_of_the_branch(owner: Client) -> None:
    far = owner.branch("Far", timezone="Pacific/Auckland")
    near = owner.branch("Near", timezone="America/Los_Angeles")
    owner.service("Checkup")
    for branch in (far, near):
        for day in ("monday", "tuesday"):
            owner.window(branch_id=branch, day=day, start_time="23:00", end_time="23:59", session="Evening")
    owner.world.clock.set("2026-06-01T20:00:00Z")
    agent = Agent(owner)
    assert agent.done(CHECK, "OPEN", date="today", branch="Far")["date"] == "2026-06-02"
    assert agent.done(CHECK, "OPEN", date="today", branch="Near")["date"] == "2026-06-01"


def test_nothing_free_is_said_so(owner: Client) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    agent = Agent(owner)
    said = agent.refused("find_next_available", "NOTHING_FREE")
    assert said["spoken"] == "Nothing is free for Checkup in the next 60 days."
    agent.refused(CHECK, "NO_WINDOW", date="June 8th")
    agent.refused(CHECK, "NOTHING_FREE", date="next week")


def test_a_key_that_may_not_look_is_offered_nothing(clinic: Clinic, world: World, cast: Cast) -> None:
    assert clinic.checkup
    writer = Agent(world.key(cast.owner_org, [Scope.APPOINTMENTS_WRITE]))
    assert (
        writer.refused("hold_slot", "OUTSIDE_AVAILABILITY", service="checkup", date="June 9th", time="9:30")["options"]
        == []
    )


@pytest.mark.parametrize(
    ("wall_time", "said"),
    [
        ("09:30", "half past nine in the morning"), ("16:10", "ten past four in the afternoon"),
        ("09:00", "nine in the morning"), ("12:00", "noon"), ("00:00", "midnight"),
        ("12:30", "half past twelve in the afternoon"),
        ("00:15", "quarter past twelve in the morning"), ("17:45", "quarter to six in the afternoon"),
        ("18:00", "six in the evening"), ("22:35", "twenty-five to eleven at night"),
        ("11:55", "five to twelve in the morning"),
        ("09:17", "9:17 in the morning"), ("13:07", "1:07 in the afternoon"),
        ("12:45", "quarter to one in the afternoon"),
    ],
)  # fmt: skip
def test_times_are_said_as_people_say_them(wall_time: str, said: str) -> None:
    assert SAY.time(wall_time) == said


def test_dates_places_and_lists_are_said_as_people_say_them() -> None:
    today = date(2026, 6, 1)
    assert SAY.moment(date(2026, 6, 8), "09:30", today) == ("Monday the 8th of June at half past nine in the morning")
    assert SAY.day(date(2027, 1, 22), today) == "Friday the 22nd of January 2027"
    assert SAY.span("09:00", "11:00") == "from nine to eleven in the morning"
    assert SAY.span("11:00", "13:30") == "from eleven in the morning to half past one in the afternoon"
    assert SAY.span("09:00", "12:00") == "from nine in the morning to noon"
    assert SAY.span("09:05", "10:55") == "from five past nine until five to eleven in the morning"
    assert [SAY.places(number) for number in (0, 1, 2, 30)] == [
        "no places left", "one place left", "two places left", "30 places left",
    ]  # fmt: skip
    assert SAY.either(["a", "b", "c"]) == "a, b or c"
    assert SAY.all(["a", "b"]) == "a and b"
    assert SAY.all(["a"]) == "a"


def test_a_time_that_is_rare_is_found_behind_many_others(owner: Client) -> None:
    owner.branch("Main")
    owner.service("Checkup")
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday"):
        for batch in range(6):
            owner.window(day=day, batch_name=f"B{batch}")
    owner.window(day="saturday", session="Evening", start_time="18:00", end_time="20:00")
    owner.override(owner.slots("2026-06-06")[0]["calendar_id"], "2026-06-06", status="CLOSED")
    found = Agent(owner).done("find_next_available", "OPEN", time="after 6 pm")
    assert [one["time"] for one in found["options"]][:1] == ["2026-06-13T18:00"]

"""What callers speak through: the tools for voice agents, and the bare API that they are measured beside."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from slotkeeper.load.asking import Asker
from slotkeeper.load.callers import Clinic, Held, Option, Patient
from slotkeeper.load.telephone import Reply

APPOINTMENTS, HOLDS = "/v1/appointments", "/v1/holds"
HOLD_SECONDS = 30
"""For how long a place is held over the bare API: the shortest hold there is."""
OPTIONS = 3


class Tools:
    """The tools for voice agents, which say dates as people do."""

    def __init__(self, asker: Asker, clinic: Clinic) -> None:
        self._asker = asker
        self._where = {"service": clinic.service_id, "branch": clinic.branch_id}

    def find(self, *, after: int) -> bytes:
        """A request for what is free."""
        return self._call("find_next_available", {**self._where, "date": f"in {after} days"})

    def options(self, reply: Reply) -> Sequence[Option]:
        """What an answer offers."""
        return [Option(one["slot_id"], one["time"]) for one in reply.body.get("options", [])]

    def hold(self, option: Option, once: str) -> bytes:
        """A request that holds a place."""
        return self._call("hold_slot", {"slot_id": option.slot_id, "time": option.time}, once)

    def held(self, reply: Reply) -> Held | None:
        """The hold of an answer, None where it was refused."""
        body = reply.body
        if not body.get("ok"):
            return None
        return Held(body["data"]["hold_id"], _seconds_between(body["now"], body["data"]["expires_at"]))

    def book(self, option: Option, hold_id: str | None, patient: Patient, once: str) -> bytes:
        """A request that books, what is held or else the option."""
        place = {"slot_id": option.slot_id} if hold_id is None else {"hold_id": hold_id}
        said = {"patient_name": patient.name, "phone": patient.phone, "time": option.time}
        return self._call("book_appointment", {**said, **place}, once)

    def move(self, appointment_id: str, option: Option, once: str) -> bytes:
        """A request that moves an appointment."""
        said = {"appointment_id": appointment_id, "slot_id": option.slot_id, "time": option.time}
        return self._call("reschedule_appointment", said, once)

    def cancel(self, appointment_id: str, once: str) -> bytes:
        """A request that cancels one."""
        return self._call("cancel_appointment", {"appointment_id": appointment_id}, once)

    def done(self, reply: Reply) -> str | None:
        """The appointment of an answer, None where it was refused."""
        return str(reply.body["data"]["appointment_id"]) if reply.body.get("ok") else None

    def reason(self, reply: Reply) -> str:
        """The code of a refusal."""
        body = reply.body
        return str(body["reason_code"] if "reason_code" in body else body["error"]["code"])

    def _call(self, tool: str, said: Mapping[str, Any], once: str | None = None) -> bytes:
        asker = self._asker
        return asker.target.send("POST", f"/v1/tools/{tool}", said, asker.key, idempotency_key=once)


class BareApi:
    """The endpoints of the API, which a program calls with what it has worked out."""

    def __init__(self, asker: Asker, clinic: Clinic) -> None:
        self._asker, self._clinic, self._zone = asker, clinic, ZoneInfo(clinic.timezone)

    def find(self, *, after: int) -> bytes:
        """A request for what is free."""
        clinic = self._clinic
        return self._asker.target.get(
            f"/v1/appointment-slots/next-available?appointment_type={clinic.service_id}&branch_id={clinic.branch_id}"
            f"&from={clinic.today + timedelta(days=after)}&limit={OPTIONS}",
            self._asker.key,
        )

    def options(self, reply: Reply) -> Sequence[Option]:
        """What an answer offers."""
        return [
            Option(
                one["slot_id"],
                datetime.combine(
                    date.fromisoformat(one["date"]), time.fromisoformat(one["start_time"]), self._zone
                ).isoformat(),
                one["session"],
                one["batch"],
            )
            for one in reply.body.get("data", [])
        ]

    def hold(self, option: Option, once: str) -> bytes:
        """A request that holds a place."""
        return self._send("POST", HOLDS, {"slot_id": option.slot_id, "ttl_seconds": HOLD_SECONDS}, once)

    def held(self, reply: Reply) -> Held | None:
        """The hold of an answer, None where it was refused."""
        return Held(reply.body["data"]["hold_id"], HOLD_SECONDS) if reply.status == 201 else None

    def book(self, option: Option, hold_id: str | None, patient: Patient, once: str) -> bytes:
        """A request that books, what is held or else the option."""
        clinic = self._clinic
        place: dict[str, str | None] = {"hold_id": hold_id}
        if hold_id is None:
            place = {"appointment_type": clinic.service_id, "branch_id": clinic.branch_id, "session": option.session}
        said = {"patient_name": patient.name, "parent_phone": patient.phone, "appointment_date": option.time}
        return self._send("POST", APPOINTMENTS, {**said, **place}, once)

    def move(self, appointment_id: str, option: Option, once: str) -> bytes:
        """A request that moves an appointment."""
        del once  # asked again, it stays where it was moved to
        place = {"appointment_date": option.time, "session": option.session, "batch": option.batch}
        return self._send("PATCH", f"{APPOINTMENTS}/{appointment_id}", place)

    def cancel(self, appointment_id: str, once: str) -> bytes:
        """A request that cancels one."""
        del once
        return self._send("PATCH", f"{APPOINTMENTS}/{appointment_id}", {"status": "cancelled"})

    def done(self, reply: Reply) -> str | None:
        """The appointment of an answer, None where it was refused."""
        if reply.status not in {200, 201}:
            return None
        return str(reply.body.get("appointment_id") or reply.body["data"]["appointment_id"])

    def reason(self, reply: Reply) -> str:
        """The code of a refusal."""
        return str(reply.body["error"]["code"])

    def _send(self, method: str, path: str, body: Mapping[str, Any], once: str | None = None) -> bytes:
        return self._asker.target.send(method, path, body, self._asker.key, idempotency_key=once)


def _seconds_between(earlier: str, later: str) -> float:
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()

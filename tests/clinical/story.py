"""The people of a story of remote monitoring: what each of them does, through the APIs and by cron. Monday is day 0."""

import csv
import datetime
from io import StringIO
from typing import Any

from django.core.management import call_command

from accounts.models import Role
from clinical.models import Measurement, MonitoringAlert, PlannedAction, StarRating, WorkflowFiring
from patients.models import Enrolment, Patient, PatientMutation, SettingChange
from tests.clinical.rules import BOTH, DAILY, HEAVY, LATE, MEAN, OVER_100, REMARK
from tests.clock import Clock
from tests.conftest import ApiClient
from tests.factories import Clinic

# Six in the morning in New York, where the clinic is, and five in Chicago, where the patients live.
MONDAY = datetime.datetime(2024, 5, 6, 10, tzinfo=datetime.UTC)
DAY, HOUR = datetime.timedelta(days=1), datetime.timedelta(hours=1)
DATED = (
    Patient,
    Enrolment,
    PatientMutation,
    SettingChange,
    Measurement,
    MonitoringAlert,
    PlannedAction,
    StarRating,
    WorkflowFiring,
)
RULES = [HEAVY, OVER_100, BOTH, MEAN, LATE, REMARK]
SCHEDULE = [{**DAILY, "to_day": 13}, {"instrument": "pulse", "every_days": 7, "from_day": 0, "to_day": 13}]
# What the patient weighs each morning in kg. Day 3 is forgotten; three mornings to day 7 are above 90 on average.
WEIGHTS = [84, 85, 86, None, 88, 92, 89, 93, 88, 80, 101, 85, 84, 83]
PULSES = {0: 70, 7: 80, 10: 105}
REMARKS = {9: "Slept badly"}


def good(answer) -> Any:
    """Return what a call answered that was to succeed."""
    assert answer.status_code in (200, 201), answer.content
    return answer.json()


class Story:
    """The people of the story, with their keys, and what they do."""

    def __init__(self, clinic: Clinic, clock: Clock):
        self.clinic, self.clock = clinic, clock
        self.admin, self.nurse, self.patient = (
            ApiClient(clinic.keys[role]) for role in (Role.HC_ADMIN, Role.HC_PRIMARY, Role.PATIENT)
        )
        self.made: dict[str, str] = {}

    # --- what the administrator does ---
    def make(self, catalog: str, **values: Any) -> str:
        """Add a row to a catalog of the clinic, and return its id."""
        return good(self.admin.post(f"{self.clinic.base}/{catalog}", values))["id"]

    def set_up(self) -> None:
        for code in ("weight", "pulse"):
            self.make("instruments", name=code.capitalize(), code=code)
        program = self.made["program"] = self.make("programs", name="Heart failure at home")
        protocol = {"name": "Daily weight", "program_uuid": program, "schedule": SCHEDULE, "rules": RULES}
        self.made["protocol"] = self.make("protocols", **protocol)
        self.made["workflow"] = self.make("workflows", name="Call", program_uuid=program, days=[0, 7])

    def enrol(self, name: str) -> str:
        """Make a patient of the first group who is monitored, and return their id."""
        body = {
            "accountName": name,
            "firstName": name.capitalize(),
            "lastName": "Lantern",
            "email": f"{name}@example.test",
            "sex": "female",
            "timezone": "America/Chicago",
            "organizationId": str(self.clinic.organization.uuid),
            "groupId": str(self.clinic.group.uuid),
            "programId": self.made["program"],
            "protocolId": self.made["protocol"],
        }
        made = good(self.admin.post("/v1/patients", body))["data"]
        assert made["program"]["startDate"] == "2024-05-06"
        return made["id"]

    def give_own_rules(self, patient: str, kind: str, *rules: dict) -> None:
        body = {"kind": kind, "instrument": "weight", "rules": list(rules)}
        good(self.admin.post(f"{self.clinic.base}/patients/{patient}/monitoring-rules", body))

    def change_rules(self, *rules: dict) -> None:
        path = f"{self.clinic.base}/protocols/{self.made['protocol']}"
        good(self.admin.patch(path, {"base_version": 1, "rules": list(rules)}))

    # --- what the patient does ---
    def measure(self, patient: str, instrument: str, value: int, client: ApiClient, **more: Any) -> str:
        body = {"instrument": instrument, "value": value, **more}
        return good(client.post(f"/v1/patients/{patient}/measurements", body))["data"]["id"]

    def live(self, ada: str, day: int) -> None:
        """Let a day pass: at eight the patient weighs herself, at two cron runs, at eight she feels her pulse."""
        self.clock.move(MONDAY + day * DAY + 2 * HOUR)
        if WEIGHTS[day] is not None:
            self.measure(ada, "weight", WEIGHTS[day], self.patient, comment=REMARKS.get(day))
        for hour in (8, 9) if day == 7 else (8,):
            self.clock.move(MONDAY + day * DAY + hour * HOUR)
            self.run_cron()
        self.clock.move(MONDAY + day * DAY + 14 * HOUR)
        if day in PULSES:
            self.measure(ada, "pulse", PULSES[day], self.patient)

    def run_cron(self) -> None:
        for command in ("raise_overdue_alerts", "run_workflows"):
            call_command(command, stdout=StringIO())

    # --- what everybody sees ---
    def alerts(self, client: ApiClient, **query: str) -> list[dict]:
        return good(client.get("/v1/alerts", query))["data"]

    def report(self, name: str, client: ApiClient | None = None) -> list[dict]:
        """Return the rows of a report, which are the same as JSON and as CSV."""
        client, days = client or self.admin, {"startDate": "2024-05-06", "endDate": "2024-05-31"}
        query = days if name in ("measurements", "alerts") else None
        rows = good(client.get(f"/v1/export/{name}", query))["data"]
        table = b"".join(client.get(f"/v1/export/{name}.csv", query).streaming_content).decode()
        as_text = [{column: "" if cell is None else str(cell) for column, cell in row.items()} for row in rows]
        assert list(csv.DictReader(StringIO(table))) == as_text
        return rows

    def picked(self, name: str, *columns: str) -> list[tuple]:
        """Return some columns of the rows of a report."""
        return [tuple(row[column] for column in columns) for row in self.report(name)]

"""Remote monitoring in the demo: patients who have measured at home for weeks, and alerts that a nurse has processed.

All of it happened before the day of the first run. Patients who were ever enrolled are left alone.
"""

import datetime
import random
from collections.abc import Iterator, Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import Any, NamedTuple

from django.utils import timezone

from accounts.models import Language, Organization
from accounts.scope import Actor, scope
from clinical.models import MonitoringAlert, MonitoringAlertStatus, ProcessedType, RuleKind, StarRating
from clinical.monitoring import Rule, day_of, days_of
from clinical.services.measurements import record_measurements
from clinical.services.monitoring import (
    plan_actions,
    plan_own_action,
    process_alert,
    raise_overdue_alerts,
    run_workflows,
)
from clinical.services.overrides import create_override
from clinical.services.protocols import update_protocol
from exports.demo.catalogs import PROTOCOLS, WORKFLOW_DAYS
from patients.models import Enrolment, Patient, Protocol, Status
from patients.services.charts import create_entry
from patients.services.lifecycle import transition_status
from patients.services.locking import lock_patient
from patients.services.patients import enrol, update_patient

# How many days the patients have measured, up to yesterday.
DAYS = 20
# The days on which measurements were planned, each for the two days before, that day and the next.
PLANS = range(0, DAYS + 1, 4)


class Trend(NamedTuple):
    """Values that change linearly from `first` to `last`, with random scatter."""

    first: float
    last: float
    scatter: float
    places: int = 0

    def on(self, day: int, draw: random.Random) -> float:
        """Return the value of a day."""
        middle = self.first + (self.last - self.first) * day / (DAYS - 1)
        return round(draw.gauss(middle, self.scatter), self.places)


class Course(NamedTuple):
    """The course of a patient's monitoring; days count from 0.

    On an unusual day an instrument has another value, or none if the measurement was missed. Own rules are about the
    systolic pressure.
    """

    protocol: str
    measures: Mapping[str, Trend]
    unusual: Mapping[int, Mapping[str, float | None]] = MappingProxyType({})
    remarks: Mapping[int, str] = MappingProxyType({})
    own_rules: Mapping[RuleKind, list[Rule]] = MappingProxyType({})
    own_plan: str | None = None
    rating: tuple[int, str] | None = None
    changes: Mapping[str, Any] = MappingProxyType({})
    ended: bool = False


HEART, DAILY, WEEKLY = "Daily weight and blood pressure", "Daily glucose", "Weekly glucose"
# Courses by the number of the patient in the first organization.
COURSES: Mapping[int, Course] = {
    1: Course(
        HEART,
        {
            "weight": Trend(88.5, 84.2, 0.4, 1),
            "bp_systolic": Trend(158, 134, 4),
            "bp_diastolic": Trend(95, 82, 3),
            "heart_rate": Trend(88, 74, 4),
            "mood": Trend(5, 7, 0.8),
        },
        unusual={4: {"bp_systolic": 184, "heart_rate": 112}, 11: {"weight": None}},
        remarks={4: "Short of breath on the stairs", 15: "Slept well for the first time in weeks"},
        own_plan="heart_rate",
        rating=(450, "Somebody calls when the numbers are bad."),
    ),
    4: Course(WEEKLY, {"glucose": Trend(150, 140, 12)}, unusual={7: {"glucose": 214}}, remarks={7: "Birthday cake"}),
    7: Course(
        DAILY,
        {"glucose": Trend(172, 128, 10), "medication_adherence": Trend(7, 9, 0.8)},
        unusual={6: {"glucose": 262}, 12: {"glucose": None}, 13: {"glucose": None}},
        remarks={6: "Forgot the evening tablet"},
        rating=(300, "The questions come too early in the morning."),
        changes={"receives_sms": True, "language": Language.EN_US},
    ),
    10: Course(
        DAILY,
        {"glucose": Trend(118, 112, 9), "medication_adherence": Trend(9, 9, 0.5)},
        unusual={9: {"glucose": 64}, 16: {"glucose": None}},
        remarks={9: "Felt shaky before lunch"},
    ),
    17: Course(
        HEART,
        {
            "weight": Trend(89.8, 94.3, 0.4, 1),
            "bp_systolic": Trend(143, 171, 3),
            "bp_diastolic": Trend(82, 90, 3),
            "heart_rate": Trend(78, 92, 3),
            "mood": Trend(7, 4, 0.6),
        },
        unusual={12: {"weight": None}, 19: {"bp_systolic": 184}},
        remarks={18: "Short of breath when lying flat"},
        own_rules={
            RuleKind.MEASUREMENT: [
                {"kind": "measurement", "instrument": "bp_systolic", "op": ">=", "value": 165, "flag": "orange"},
                {"kind": "measurement", "instrument": "bp_systolic", "op": ">=", "value": 180, "flag": "red"},
            ],
        },
    ),
    22: Course(
        HEART,
        {
            "weight": Trend(97.0, 97.8, 0.3, 1),
            "bp_systolic": Trend(166, 162, 4),
            "bp_diastolic": Trend(92, 90, 3),
            "heart_rate": Trend(76, 74, 3),
            "mood": Trend(6, 6, 0.8),
        },
        own_rules={
            RuleKind.MEASUREMENT: [
                {"kind": "measurement", "instrument": "bp_systolic", "op": ">=", "value": 170, "flag": "orange"},
            ],
            RuleKind.AVERAGE: [],
        },
        changes={"receives_email": False},
        ended=True,
    ),
}

# What is done about an alert, by its type.
OUTCOMES: Mapping[str, tuple[ProcessedType, str, str | None]] = {
    RuleKind.MEASUREMENT: (ProcessedType.CONTACTED_PATIENT, "Called: feels well, measured again", None),
    RuleKind.COMBINATION: (ProcessedType.REFERRED, "Seen the same day", "Dr. Castellano adjusted the tablets"),
    RuleKind.AVERAGE: (ProcessedType.ADJUSTED_TREATMENT, "Dose raised", "Look again in two weeks"),
    RuleKind.OVERDUE: (ProcessedType.CONTACTED_PATIENT, "Reminded by phone", "Had been travelling"),
    RuleKind.REMARK: (ProcessedType.REVIEWED, "Read, no action needed", None),
}


# Schedule and rules by the name of their protocol.
KNOWN = {name: values for protocols in PROTOCOLS.values() for name, values in protocols.items()}


def set_protocol_rules(actor: Actor, organization: Organization) -> None:
    """Set the schedules and rules of the protocols of `organization` that have never been changed."""
    rows = Protocol.objects.filter(organization=organization, name__in=KNOWN, version=1, deleted_at=None)
    for row in scope(actor, rows.order_by("pk")):
        update_protocol(actor=actor, row=row, base_version=1, changes=KNOWN[row.name])


class Monitoring:
    """Simulates weeks of remote monitoring in `organization`.

    `admin` enrols patients, `nurse` processes alerts, and `actor` stands for patients and cron.
    """

    def __init__(self, actor: Actor, admin: Actor, nurse: Actor, organization: Organization):
        self.actor, self.admin, self.nurse, self.organization = actor, admin, nurse, organization
        self.start = day_of(timezone.now(), organization.zone) - datetime.timedelta(days=DAYS)

    def seed(self, patients: Mapping[int, Patient]) -> None:
        """Simulate the courses of those of `patients`, by number, who have one and were never enrolled."""
        fresh = [(number, patient) for number, patient in patients.items() if number in COURSES and self._can_begin(patient)]
        for number, patient in fresh:
            self._enrol(patient, COURSES[number])
        # Schedules plan from the day of the first run on: set only now, they can begin with the first day.
        set_protocol_rules(self.admin, self.organization)
        for number, patient in fresh:
            self._measure(number, patient, COURSES[number])
        if fresh:
            self._make_rounds()
            self._work_off([patient.pk for _, patient in fresh])
        for number, patient in fresh:
            self._apply_later_events(patient.pk, COURSES[number])

    def _can_begin(self, patient: Patient) -> bool:
        return patient.status == Status.ACTIVE and not scope(self.actor, Enrolment.objects.filter(patient=patient)).exists()

    def _enrol(self, patient: Patient, course: Course) -> None:
        rows = Protocol.objects.filter(organization=self.organization, name=course.protocol, deleted_at=None)
        protocol = scope(self.admin, rows.select_related("program")).get()
        enrol(actor=self.admin, patient=patient, program=protocol.program, protocol=protocol, start_date=self.start)
        for kind, rules in course.own_rules.items():
            create_override(actor=self.admin, patient_id=patient.pk, kind=kind, instrument="bp_systolic", rules=rules)

    def _measure(self, number: int, patient: Patient, course: Course) -> None:
        for day in PLANS:
            plan_actions(actor=self.actor, patient=lock_patient(patient.pk), now=self._at(day, 12))
        draw = random.Random(f"{self.organization.slug} measures {number}")  # noqa: S311
        record_measurements(actor=self.actor, patient_id=patient.pk, rows=list(self._rows(course, draw)))

    def _rows(self, course: Course, draw: random.Random) -> Iterator[dict[str, Any]]:
        """Yield the measurements of the planned mornings; a remark is a comment on all values of its day."""
        minutes = [draw.randrange(60) for _ in range(DAYS)]
        yesterday = self.start + datetime.timedelta(days=DAYS - 1)
        for line in KNOWN[course.protocol]["schedule"]:
            code = line["instrument"]
            for date in days_of(line, self.start, self.start, yesterday):
                day = (date - self.start).days
                value = course.unusual.get(day, {}).get(code, course.measures[code].on(day, draw))
                if value is not None:
                    remark, moment = course.remarks.get(day), self._at(day, 7, minutes[day])
                    yield {"instrument": code, "value": Decimal(str(value)), "measured_at": moment, "comment": remark}

    def _make_rounds(self) -> None:
        """Run the batch jobs as cron would have done, day by day until now."""
        for day in range(DAYS):
            if day in WORKFLOW_DAYS:
                run_workflows(actor=self.actor, now=self._at(day, 12), organization=self.organization)
            raise_overdue_alerts(actor=self.actor, now=self._at(day, 12), organization=self.organization)
        raise_overdue_alerts(actor=self.actor, organization=self.organization)

    def _work_off(self, patients: list[int]) -> None:
        """Let the nurse process alerts: of four older ones, one stays open, one is escalated, one processed and one both."""
        # What yesterday's values raised has not been looked at yet.
        yesterday = self._at(DAYS - 1, 0)
        known = MonitoringAlert.objects.filter(patient__in=patients).exclude(measurement__measured_at__gte=yesterday)
        alerts = scope(self.nurse, known).order_by("pk")
        for place, alert in enumerate(alerts):
            kind, action, info = OUTCOMES[alert.type]
            if place % 4 in (1, 3):
                escalated = {"action": "Asked the doctor", "escalated_to_id": self.admin.user_id}
                self._process(alert, MonitoringAlertStatus.ESCALATED, **escalated)
            if place % 4 in (2, 3):
                details = {"processed_type": kind, "action": action, "additional_info": info}
                self._process(alert, MonitoringAlertStatus.PROCESSED, **details, **self._review(alert))

    def _review(self, alert: MonitoringAlert) -> dict[str, Any]:
        """Return that the nurse looks again in two weeks, where a dose was raised."""
        again = {"review_at": timezone.now() + datetime.timedelta(days=14), "review_by_id": self.nurse.user_id}
        return again if alert.type == RuleKind.AVERAGE else {}

    def _process(self, alert: MonitoringAlert, status: str, **details: Any) -> None:
        process_alert(actor=self.nurse, patient_id=alert.patient_id, alert_id=alert.pk, status=status, **details)

    def _apply_later_events(self, patient_id: int, course: Course) -> None:
        if course.own_plan:
            times = {"not_before": self._at(DAYS + 1, 18), "expires_at": self._at(DAYS + 1, 21)}
            plan_own_action(actor=self.actor, patient_id=patient_id, instrument=course.own_plan, **times)
        if course.rating:
            score, remarks = course.rating
            create_entry(actor=self.actor, model=StarRating, patient_id=patient_id, score=score, remarks=remarks)
        if course.changes:
            update_patient(actor=self.admin, patient_id=patient_id, base_version=None, changes=course.changes)
        if course.ended:
            version = lock_patient(patient_id).version
            transition_status(actor=self.admin, patient_id=patient_id, base_version=version, new_status=Status.INACTIVE)

    def _at(self, day: int, hour: int, minute: int = 0) -> datetime.datetime:
        """Return a moment of a day, in the organization's time zone."""
        date = self.start + datetime.timedelta(days=day)
        return datetime.datetime.combine(date, datetime.time(hour, minute), self.organization.zone)

"""Recording measurements of patients."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts.audit import record_change
from accounts.scope import Actor
from clinical.models import Instrument, InstrumentKind, Measurement
from clinical.monitoring import A_DAY
from clinical.scales import scale_of
from clinical.services.instruments import InstrumentLookup
from clinical.services.monitoring import evaluate_measurements
from clinical.vitals import is_in_lifetime
from config.core.bulk_writes import insert_many
from config.core.decimals import largest, parse_number, round_half_up
from config.core.exceptions import DomainError, Invalid
from patients.models import Patient
from patients.services.locking import lock_patient

# How far a device's clock may be ahead.
TOLERANCE = datetime.timedelta(hours=24)


@dataclass(frozen=True)
class MeasurementResult:
    """The result for one value: its row, which is `new` or was stored before, or the error."""

    measurement: Measurement | None = None
    new: bool = False
    error: DomainError | None = None


@transaction.atomic
def record_measurements(*, actor: Actor, patient_id: int, rows: Sequence[Mapping[str, Any]]) -> list[MeasurementResult]:
    """Record measurements of a patient who is not archived, and evaluate the rules over them.

    A row has `instrument` (code or UUID), `value` (Decimal or a choice) and, where known, `measured_at`,
    `comment` and `external_id`; a value with an external id that the patient already has changes nothing. Invalid rows are
    not stored; results are in the order of `rows`. Raises NotFound.
    """
    patient = lock_patient(patient_id)
    reader = _MeasurementReader(actor, patient, rows)
    results = [reader.take(row) for row in rows]
    fresh = [result.measurement for result in results if result.measurement and result.new]
    if fresh:
        insert_many(Measurement, fresh, with_ids=True)
        record_change(actor, "measurement.create", fresh, event="measurement.created", changed=["instrument", "value"])
        evaluate_measurements(actor=actor, patient=patient, measurements=fresh)
    return results


def record_measurement(*, actor: Actor, patient_id: int, row: Mapping[str, Any]) -> Measurement:
    """Record one value, or return the measurement that has its external id already. Raises Invalid."""
    (recorded,) = record_measurements(actor=actor, patient_id=patient_id, rows=[row])
    if recorded.measurement is None:
        raise recorded.error or Invalid(_("The measurement cannot be recorded."))
    return recorded.measurement


class _MeasurementReader:
    """Turns the rows of a request into unsaved measurements of a patient."""

    def __init__(self, actor: Actor, patient: Patient, rows: Iterable[Mapping[str, Any]]):
        self.actor, self.patient, self.now = actor, patient, timezone.now()
        self.instruments = InstrumentLookup(patient.organization_id)
        named = sorted({row["external_id"] for row in rows if row.get("external_id") is not None})
        stored = Measurement.objects.filter(patient=patient, external_id__anyof=named) if named else Measurement.objects.none()
        self.known = {row.external_id: row for row in stored}

    def take(self, row: Mapping[str, Any]) -> MeasurementResult:
        """Return the result for `row`."""
        external = row.get("external_id")
        if external is not None and external in self.known:
            return MeasurementResult(self.known[external])
        try:
            measurement = self._made(row)
        except Invalid as error:
            return MeasurementResult(error=error)
        if external is not None:
            self.known[external] = measurement
        return MeasurementResult(measurement, new=True)

    def _made(self, row: Mapping[str, Any]) -> Measurement:
        instrument = self.instruments.named(row["instrument"])
        measured_at = row.get("measured_at") or self.now
        self._check_moment(measured_at)
        return Measurement(
            organization_id=self.patient.organization_id,
            patient=self.patient,
            instrument=instrument,
            measured_at=measured_at,
            comment=row.get("comment"),
            external_id=row.get("external_id"),
            recorded_by_id=self.actor.user_id,
            **value_columns(instrument, row["value"]),
        )

    def _check_moment(self, measured_at: datetime.datetime) -> None:
        """Raise Invalid for a moment in the future, before the patient was born, or longer ago than anyone lives."""
        born = self.patient.date_of_birth
        if measured_at > self.now + TOLERANCE:
            raise Invalid(_("The time of the measurement lies in the future."), "measured_at")
        # The day of birth is that of the place of birth, whose time zone is unknown.
        if born is not None and measured_at.date() < born - A_DAY:
            raise Invalid(_("The time of the measurement lies before the date of birth."), "measured_at")
        if not is_in_lifetime(measured_at.date(), self.now.date()):
            raise Invalid(_("The time of the measurement must lie within a lifetime."), "measured_at")


def value_columns(instrument: Instrument, value: Decimal | str) -> dict[str, Any]:
    """Return the columns that store `value`. Raises Invalid unless it is one of the choices, or a number that is possible."""
    if instrument.kind == InstrumentKind.CHOICE:
        if value not in (instrument.choices or ()):
            raise Invalid(_("The value is not one of the instrument's choices."), "value")
        return {"value_choice": value}
    number = _number(value)
    if number is None:
        raise Invalid(_("The value must be a number."), "value")
    scale = scale_of(instrument)
    if not scale.holds(number):
        raise Invalid(_("The value must be %(scale)s.") % {"scale": scale.words}, "value")
    return {"value_number": number}


def _number(value: Decimal | str) -> Decimal | None:
    """Return `value` as the column keeps it; None for what is no number, or has too many digits."""
    column: Any = Measurement._meta.get_field("value_number")
    written = parse_number(value) if isinstance(value, str) else value
    number = None if written is None else round_half_up(written, column.decimal_places)
    return number if number is not None and abs(number) <= largest(column.max_digits, column.decimal_places) else None

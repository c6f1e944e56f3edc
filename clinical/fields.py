"""Serializer fields of clinical records that the dialects share: alerts as they are today, measured values."""

import datetime
from decimal import Decimal
from typing import Any

from accounts.scope import Actor
from clinical.models import AlertStatus
from clinical.services.alerts import effective_status
from config.rest.compiled.plans import Computed
from config.rest.openapi import enum
from patients.services.rules import today_at


class EffectiveStatus(Computed):
    """The status of an alert today, in its organization's time zone."""

    def __init__(self, **kwargs: Any):
        columns = ("status", "disable_on", "organization__timezone")
        super().__init__(self._status, columns, schema=enum(AlertStatus.values), **kwargs)

    @staticmethod
    def _status(actor: Actor, status: str, disable_on: datetime.date | None, zone: str) -> str:
        return effective_status(status, disable_on, today_at(zone))


def measured_value(actor: Actor, number: Decimal | None, choice: str | None) -> Any:
    """Return a measured value as JSON has it: a number, whole where it is, or the choice."""
    if number is None:
        return choice
    return int(number) if number == number.to_integral_value() else float(number)

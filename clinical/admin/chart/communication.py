"""Contacts with a patient, and who referred them."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from clinical.admin.chart.reading import Answers, Asked, Chart, ChartQuery, total
from clinical.models import CommunicationDirection, CommunicationLog, CommunicationMode
from patients.models import AttributionRole, ReferralAttribution

SHOWN = 3
ICONS = {
    CommunicationMode.PHONE: "phone",
    CommunicationMode.EMAIL: "mail",
    CommunicationMode.MAIL: "mail",
    CommunicationMode.FAX: "document",
    CommunicationMode.IN_PERSON: "person",
}


@dataclass(frozen=True)
class Contacted:
    """A contact: by which channel (`how`), in which direction, about what."""

    pk: int
    at: datetime.datetime
    icon: str
    how: str
    topic: str
    note: str
    by: str


@dataclass(frozen=True)
class Referred:
    """Who referred the patient."""

    pk: int
    source: str
    role: str
    at: datetime.datetime
    note: str


@dataclass(frozen=True)
class Communication:
    """The block."""

    contacts: list[Contacted]
    referrals: list[Referred]
    total: int
    whole: bool


def ask(chart: ChartQuery) -> dict[str, Asked]:
    return {
        "communication": Asked(
            chart.first(contacts_of(chart).order_by("-communication_datetime", "-pk"), SHOWN), (*CONTACT_COLUMNS, "total")
        ),
        "referrals": _referrals(chart),
    }


CONTACT_COLUMNS = ("pk", "communication_datetime", "mode", "direction", "note", "topic", "by")


def contacts_of(chart: ChartQuery) -> Any:
    """Return the contacts with the patient, with their topic and who noted them."""
    return chart.rows(CommunicationLog).annotate(topic=F("communication_type__name"), by=chart.person("created_by_id"))


def _referrals(chart: ChartQuery) -> Asked:
    source = Coalesce("referral_source__name", "referral_partner__name", "provider__name")
    rows = chart.rows(ReferralAttribution).filter(deleted_at=None).annotate(source=source)
    columns = ("pk", "source", "attribution_role", "attributed_at", "source_note")
    return Asked(rows.order_by("-attributed_at", "-pk")[:SHOWN], columns)


def build(chart: Chart, answers: Answers) -> Communication:
    referrals = [
        # A patient who referred another one is named in the block of the family, where scope decides who is shown.
        Referred(
            row.pk, row.source or _("Another patient"), _role(row.attribution_role), row.attributed_at, row.source_note or ""
        )
        for row in answers["referrals"]
    ]
    return Communication(
        contacts=[contacted(row) for row in answers["communication"]],
        referrals=referrals,
        total=total(answers["communication"]),
        whole=chart.options.whole,
    )


def contacted(row: Any) -> Contacted:
    """Return a contact, of a row with CONTACT_COLUMNS."""
    mode = CommunicationMode(row.mode) if row.mode else None
    return Contacted(
        pk=row.pk,
        at=row.communication_datetime,
        icon=ICONS.get(mode, "chat") if mode else "chat",
        how=_how(mode, row.direction),
        topic=row.topic or "",
        note=(row.note or "").strip(),
        by=row.by,
    )


def _how(mode: CommunicationMode | None, direction: str | None) -> str:
    """Return the channel and the direction: "Phone received"."""
    if mode is None:
        return {CommunicationDirection.SENT.value: _("sent"), CommunicationDirection.RECEIVED.value: _("received")}.get(
            direction or "", ""
        )
    told = {
        CommunicationDirection.SENT.value: _("%(channel)s sent"),
        CommunicationDirection.RECEIVED.value: _("%(channel)s received"),
    }.get(direction or "", "%(channel)s")
    return told % {"channel": mode.label}


def _role(role: str) -> str:
    return "" if role == AttributionRole.PRIMARY else str(AttributionRole(role).label).lower()

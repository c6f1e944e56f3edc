"""How to reach a patient."""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from clinical.admin.chart.reading import Answers, Chart
from patients.models import ContactMethod, Patient


@dataclass(frozen=True)
class Phone:
    """A number, and whether the patient wants to hear from the clinic by it."""

    label: str
    number: str
    note: str


@dataclass(frozen=True)
class Contact:
    """The block."""

    phones: list[Phone]
    email: str
    email_note: str
    address: list[str]
    address_note: str
    emergency: str
    emergency_phone: str
    preferred: str


def build(chart: Chart, answers: Answers) -> Contact:
    patient = chart.patient
    preferred = _("preferred") if _prefers(patient, ContactMethod.EMAIL) else ""
    email_notes = (preferred, "" if patient.receives_email else _("no messages"))
    return Contact(
        phones=_phones(patient),
        email=patient.email or "",
        email_note=", ".join(filter(None, email_notes)),
        address=_address(patient),
        address_note=patient.address_note or "",
        emergency=patient.emergency_contact_name or "",
        emergency_phone=patient.emergency_contact_phone or "",
        preferred=patient.get_preferred_contact_method_display() or "",
    )


def _prefers(patient: Patient, *methods: ContactMethod) -> bool:
    return patient.preferred_contact_method in methods


def _phones(patient: Patient) -> list[Phone]:
    """Return the numbers that are known. The first one is that by which the patient is called."""
    texts = "" if patient.receives_sms else _("no text messages")
    found = [
        (pgettext("phone", "Mobile"), patient.mobile_phone, texts),
        (pgettext("phone", "Home"), patient.home_phone, ""),
        (pgettext("phone", "Work"), patient.work_phone, ""),
    ]
    known = [(label, number, note) for label, number, note in found if number]
    preferred = _("preferred") if _prefers(patient, ContactMethod.PHONE, ContactMethod.TEXT) else ""
    return [
        Phone(label, number, ", ".join(filter(None, (preferred if place == 0 else "", note))))
        for place, (label, number, note) in enumerate(known)
    ]


def _address(patient: Patient) -> list[str]:
    town = ", ".join(filter(None, (patient.city, " ".join(filter(None, (patient.state, patient.postal_code))))))
    return [line for line in (patient.address_line1, patient.address_line2, town, patient.country) if line]

"""How to reach a patient."""

from dataclasses import dataclass

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
    email_notes = ("preferred" if _prefers(patient, ContactMethod.EMAIL) else "", "" if patient.receives_email else "no messages")
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
    texts = "" if patient.receives_sms else "no text messages"
    found = [("Mobile", patient.mobile_phone, texts), ("Home", patient.home_phone, ""), ("Work", patient.work_phone, "")]
    known = [(label, number, note) for label, number, note in found if number]
    preferred = "preferred" if _prefers(patient, ContactMethod.PHONE, ContactMethod.TEXT) else ""
    return [
        Phone(label, number, ", ".join(filter(None, (preferred if place == 0 else "", note))))
        for place, (label, number, note) in enumerate(known)
    ]


def _address(patient: Patient) -> list[str]:
    town = ", ".join(filter(None, (patient.city, " ".join(filter(None, (patient.state, patient.postal_code))))))
    return [line for line in (patient.address_line1, patient.address_line2, town, patient.country) if line]

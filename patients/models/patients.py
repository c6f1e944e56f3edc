"""The patient: one row, read and written through three API dialects."""

from decimal import Decimal
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import CareGroup, ChartNeed, Language, Organization, User
from accounts.models.organizations import validate_timezone
from accounts.scope import ScopePath
from config.core.databases import ByteOrderField
from config.core.orm import NOTE_LENGTH, Identified, SoftDeleted, Timestamped, Versioned
from patients.models.catalogs import BillingType, Employer, FeeSchedule, Location, Provider

# The rows in the indexes of lists: archived patients are left out.
LISTED = Q(deleted_at=None)

# The columns that staff read and write as they are, in the practice dialect and in bulk and CSV imports.
STAFF_FIELDS = (
    "address_line1",
    "address_line2",
    "address_note",
    "allergy_review_status",
    "appointment_module_note",
    "ask_to_arrive_early_mins",
    "billing_cycle_day",
    "chart_number",
    "city",
    "consent_flags",
    "country",
    "date_first_visit",
    "date_of_birth",
    "date_time_deceased",
    "email",
    "emergency_contact_name",
    "emergency_contact_phone",
    "first_name",
    "gender",
    "home_phone",
    "last_name",
    "marital_status",
    "medical_summary",
    "medical_urgent_note",
    "middle_name",
    "mobile_phone",
    "postal_code",
    "preferred_confirmation_method",
    "preferred_contact_method",
    "preferred_language",
    "preferred_name",
    "premedication_required",
    "pronoun",
    "receives_email",
    "receives_sms",
    "salutation",
    "state",
    "status",
    "title",
    "treatment_notes",
    "work_phone",
)
# Balances, set by administrators and by import files, but by no API body.
BALANCES = (
    "balance_0_30",
    "balance_31_60",
    "balance_61_90",
    "balance_over_90",
    "balance_total",
    "estimated_balance",
    "insurance_estimate",
    "payment_plan_due",
)


def validate_email_address(text: str) -> None:
    """Raise ValidationError unless `text` is an e-mail address.

    A function, as responses that show the column would be documented as addresses by Django's validator: it may be empty.
    """
    validate_email(text)


class Status(models.TextChoices):
    """The status of a patient."""

    PROSPECTIVE = "prospective", _("Prospective")
    ACTIVE = "active", _("Active")
    INACTIVE = "inactive", _("Inactive")
    DECEASED = "deceased", _("Deceased")
    ARCHIVED = "archived", _("Archived")


# The rows of the patients of whom measurements are expected (`Patient.is_followed`).
FOLLOWED = Q(patient__status=Status.ACTIVE, patient__date_time_deceased=None)


class Gender(models.TextChoices):
    """Administrative gender."""

    FEMALE = "female", _("Female")
    MALE = "male", _("Male")
    NON_BINARY = "non_binary", _("Non-binary")
    OTHER = "other", _("Other")
    PREFER_NOT_TO_SAY = "prefer_not_to_say", _("Prefer Not To Say")
    UNKNOWN = "unknown", _("Unknown")


class Sex(models.TextChoices):
    """Sex at birth."""

    MALE = "male", _("Male")
    FEMALE = "female", _("Female")


class MaritalStatus(models.TextChoices):
    """Marital status."""

    DIVORCED = "divorced", _("Divorced")
    DOMESTIC_PARTNER = "domestic_partner", _("Domestic Partner")
    MARRIED = "married", _("Married")
    OTHER = "other", _("Other")
    SEPARATED = "separated", pgettext_lazy("marital status", "Separated")
    SINGLE = "single", pgettext_lazy("marital status", "Single")
    WIDOWED = "widowed", _("Widowed")


class Pronoun(models.TextChoices):
    """The pronouns that the patient uses."""

    HE_HIM = "he_him", _("He/him")
    NOT_SPECIFIED = "not_specified", _("Not Specified")
    OTHER = "other", _("Other")
    SHE_HER = "she_her", _("She/her")
    THEY_THEM = "they_them", _("They/them")


class AllergyReviewStatus(models.TextChoices):
    """Whether allergies were reviewed; nkda = no known drug allergies."""

    NKDA = "nkda", _("No known drug allergies")
    NOT_REVIEWED = "not_reviewed", _("Not Reviewed")
    REVIEWED = "reviewed", pgettext_lazy("allergies", "Reviewed")


class ContactMethod(models.TextChoices):
    """How the patient wants to hear from the clinic."""

    EMAIL = "email", _("E-mail")
    MAIL = "mail", pgettext_lazy("way of contact", "Mail")
    NONE = "none", _("Nothing")
    PHONE = "phone", _("Phone")
    TEXT = "text", pgettext_lazy("way of contact", "Text")


def _blank(*columns: str) -> Q:
    """Return the condition that nothing stands in any of `columns`."""
    empty = Q()
    for name in columns:
        empty &= Q(**{name: None}) | Q(**{name: ""})
    return empty


LACKS: dict[str, Q] = {
    ChartNeed.DATE_OF_BIRTH: Q(date_of_birth=None),
    ChartNeed.PHONE: _blank("mobile_phone", "home_phone", "work_phone"),
    ChartNeed.EMAIL: Q(email_key=""),
    ChartNeed.ADDRESS: _blank("address_line1"),
    ChartNeed.CARE_GROUP: Q(care_group=None),
    ChartNeed.PROVIDER: Q(primary_provider=None),
    ChartNeed.ALLERGIES: Q(allergy_review_status=AllergyReviewStatus.NOT_REVIEWED),
}
"""What a chart can lack -> the condition that it does. Each has an index of the active patients whom it is true of."""


def _text(length: int = 255, label: Any = None) -> models.CharField:
    """Return a column for optional text, stored as sent: null means unknown, and differs from empty."""
    return models.CharField(label, max_length=length, null=True, blank=True)


def _choice(choices: type[models.TextChoices], label: Any = None) -> models.CharField:
    return models.CharField(label, max_length=24, choices=choices.choices, null=True, blank=True)


def _note(label: Any = None) -> models.TextField:
    return models.TextField(label, max_length=NOTE_LENGTH, null=True, blank=True)


def _money(label: Any) -> models.DecimalField:
    return models.DecimalField(label, max_digits=12, decimal_places=2, default=Decimal("0.00"))


def _key(length: int = 255) -> ByteOrderField:
    """Return a column for the folded copy of another one, never null, used for sorting and searching."""
    return ByteOrderField(max_length=length, default="", editable=False)


def _catalog(model: type[models.Model]) -> models.ForeignKey:
    return models.ForeignKey(model, models.PROTECT, null=True, blank=True, related_name="+")


class Patient(Identified, Timestamped, Versioned, SoftDeleted):
    """A person in the care of an organization.

    Columns that end in `_key`, `mobile_e164` and `search_text` are derived (patients/search.py). Lists are sorted by
    `last_name_key`; duplicates are found by `last_name_match_key`, which has no blanks, punctuation or marks. Columns
    that end in `_sealed` hold ciphertext (config/core/encryption.py), those in `_index` its blind index.
    """

    # Several indexes of lists begin with it.
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    care_group = models.ForeignKey(CareGroup, models.PROTECT, null=True, blank=True, related_name="+")
    user = models.OneToOneField(User, models.PROTECT, null=True, blank=True, related_name="patient")
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.ACTIVE)

    # Who
    first_name = models.CharField(max_length=255)
    middle_name = _text()
    last_name = models.CharField(max_length=255)
    preferred_name = _text()
    title = _text(64)
    salutation = _text()
    date_of_birth = models.DateField(null=True, blank=True)
    date_time_deceased = models.DateTimeField(_("moment of death"), null=True, blank=True)
    gender = _choice(Gender, _("administrative gender"))
    sex = _choice(Sex, _("sex at birth"))
    pronoun = _choice(Pronoun, _("pronouns"))
    marital_status = _choice(MaritalStatus)
    chart_number = _text(64)
    account_name = _text(150)
    preferred_language = _text(64, _("language"))
    language = models.CharField(
        _("language of the monitoring platform"), max_length=8, choices=Language.choices, null=True, blank=True
    )
    timezone = models.CharField(_("time zone"), max_length=64, default="Europe/Amsterdam", validators=[validate_timezone])

    # Where and how
    email = models.CharField(_("e-mail"), max_length=254, null=True, blank=True, validators=[validate_email_address])
    home_phone = _text(64)
    mobile_phone = _text(64)
    work_phone = _text(64)
    address_line1 = _text(label=_("address"))
    address_line2 = _text(label=_("address, second line"))
    address_note = _note(_("note on the address"))
    street = _text()
    house_number = _text(32)
    house_number_suffix = _text(32, _("suffix of the house number"))
    city = _text()
    state = _text()
    postal_code = _text(32)
    country = _text(64)
    emergency_contact_name = _text(label=_("emergency contact"))
    emergency_contact_phone = _text(64, _("phone of the emergency contact"))
    preferred_contact_method = _choice(ContactMethod, _("prefers to hear by"))
    preferred_confirmation_method = _choice(ContactMethod, _("prefers to confirm by"))
    receives_email = models.BooleanField(_("receives e-mail"), default=False)
    receives_sms = models.BooleanField(_("receives text messages"), default=False)
    sms_login_enabled = models.BooleanField(default=False)

    # Care
    primary_provider = _catalog(Provider)
    secondary_provider = _catalog(Provider)
    location = _catalog(Location)
    medical_summary = _note()
    medical_urgent_note = _note(_("urgent note"))
    treatment_notes = _note()
    appointment_module_note = _note(_("note for appointments"))
    comments = _note(_("note for the desk"))
    premedication_required = models.BooleanField(default=False)
    allergy_review_status = models.CharField(
        _("review of allergies"), max_length=16, choices=AllergyReviewStatus.choices, default=AllergyReviewStatus.NOT_REVIEWED
    )
    smoking_snomed = models.CharField(max_length=18, null=True, editable=False)
    latest_vitals_date = models.DateField(null=True, editable=False)
    date_first_visit = models.DateField(_("first visit"), null=True, blank=True)
    ask_to_arrive_early_mins = models.PositiveSmallIntegerField(
        _("minutes to come early"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(120)]
    )
    consent_flags = models.IntegerField(default=0, validators=[MinValueValidator(0), MaxValueValidator(2**31 - 1)])

    # Money
    responsible_party = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="dependents")
    fee_schedule = _catalog(FeeSchedule)
    billing_type = _catalog(BillingType)
    employer = _catalog(Employer)
    billing_account = models.JSONField(null=True, blank=True)
    billing_cycle_day = models.PositiveSmallIntegerField(
        _("day of the month for bills"), null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(31)]
    )
    balance_0_30 = _money(_("balance, up to 30 days"))
    balance_31_60 = _money(_("balance, 31 to 60 days"))
    balance_61_90 = _money(_("balance, 61 to 90 days"))
    balance_over_90 = _money(_("balance, over 90 days"))
    balance_total = _money(_("balance in all"))
    estimated_balance = _money(_("estimated balance"))
    insurance_estimate = _money(_("estimated insurance share"))
    payment_plan_due = _money(_("due by payment plan"))

    # Life cycle
    activated_at = models.DateTimeField(null=True, editable=False)
    stopped_at = models.DateTimeField(null=True, editable=False)
    stopped_reason = models.TextField(max_length=NOTE_LENGTH, null=True, editable=False)
    # The record of the same person that this one was merged into (patients/services/merging).
    merged_into = models.ForeignKey("self", models.PROTECT, null=True, related_name="+", editable=False)

    # Sealed
    social_security_number_sealed = models.BinaryField(null=True)
    social_security_number_index = models.BinaryField(max_length=32, null=True)
    medicaid_id_sealed = models.BinaryField(null=True)
    medicaid_id_index = models.BinaryField(max_length=32, null=True)
    bsn_sealed = models.BinaryField(null=True)
    bsn_index = models.BinaryField(max_length=32, null=True)

    # Derived
    first_name_key = _key()
    last_name_key = _key()
    last_name_match_key = _key()
    chart_number_key = _key(64)
    date_of_birth_key = _key(10)
    email_key = _key(254)
    account_name_key = models.CharField(max_length=150, null=True, unique=True, editable=False)
    mobile_e164 = models.CharField(max_length=16, null=True, editable=False)
    search_text = models.TextField(default="", editable=False)

    scope = ScopePath(organization="organization_id", care_group="care_group_id", patient_user="user_id")

    class Meta:
        ordering = ["last_name_key", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "chart_number_key"],
                condition=Q(deleted_at=None) & ~Q(chart_number_key=""),
                name="patient_chart_number_unique",
            ),
            models.CheckConstraint(
                condition=Q(status=Status.ARCHIVED, deleted_at__isnull=False) | (~Q(status=Status.ARCHIVED) & Q(deleted_at=None)),
                name="patient_archived_is_deleted",
            ),
            models.CheckConstraint(condition=~Q(responsible_party=models.F("id")), name="patient_not_own_guarantor"),
            models.CheckConstraint(
                condition=Q(merged_into=None) | Q(deleted_at__isnull=False), name="patient_merged_is_archived"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "last_name_key", "id"], condition=LISTED, name="patient_by_last_name"),
            models.Index(fields=["organization", "first_name_key", "id"], condition=LISTED, name="patient_by_first_name"),
            models.Index(fields=["organization", "chart_number_key", "id"], condition=LISTED, name="patient_by_chart_number"),
            models.Index(fields=["organization", "date_of_birth_key", "id"], condition=LISTED, name="patient_by_date_of_birth"),
            models.Index(fields=["organization", "created_at", "id"], name="patient_by_creation"),
            models.Index(fields=["organization", "updated_at", "id"], name="patient_by_change"),
            models.Index(fields=["organization", "status", "id"], name="patient_by_status"),
            models.Index(fields=["care_group", "last_name_key", "id"], condition=LISTED, name="patient_by_group"),
            models.Index(fields=["organization", "email_key"], condition=~Q(email_key=""), name="patient_by_email"),
            models.Index(
                fields=["organization", "mobile_e164"],
                condition=Q(mobile_e164__isnull=False),
                name="patient_by_mobile",
            ),
            # Mobile numbers that nobody can read, which are few.
            models.Index(
                fields=["organization", "mobile_phone"],
                condition=Q(mobile_e164=None) & ~Q(mobile_phone=None) & ~Q(mobile_phone=""),
                name="patient_by_typed_mobile",
            ),
            models.Index(
                fields=["organization", "social_security_number_index"],
                condition=Q(social_security_number_index__isnull=False),
                name="patient_by_ssn",
            ),
            *(
                models.Index(
                    fields=["organization", "last_name_key", "id"],
                    condition=Q(status=Status.ACTIVE) & lacks,
                    name=f"patient_without_{need}",
                )
                for need, lacks in LACKS.items()
            ),
            models.Index(
                fields=["organization", "latest_vitals_date"], condition=Q(status=Status.ACTIVE), name="patient_by_latest_vitals"
            ),
        ]

    @property
    def full_name(self) -> str:
        """First and last name."""
        return f"{self.first_name} {self.last_name}"

    @property
    def has_died(self) -> bool:
        """Whether a death is recorded. Who was archived after it and restored keeps its time, and has another status."""
        return self.status == Status.DECEASED or self.date_time_deceased is not None

    @property
    def is_followed(self) -> bool:
        """Whether measurements are expected of the patient, and alerts raised: who is active and has not died."""
        return self.status == Status.ACTIVE and not self.has_died

    def affected_patients(self) -> set[int]:
        """Return the ids of the patients whom this row is about, as the audit trail names them."""
        return {self.pk}

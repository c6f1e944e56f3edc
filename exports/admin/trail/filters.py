"""What the audit trail is filtered by: patient, person or key, what was done, and days."""

import datetime
from collections.abc import Mapping
from typing import Any

from django import forms
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.admin.fields import LocalDateField, LocalForm
from accounts.admin.forms import RowField
from accounts.admin.parameters import MAX_WORDS
from accounts.audit_words import Way, in_way
from accounts.models import ApiKey, AuditedPatient, AuditEvent, Organization, User
from accounts.scope import Actor, scope
from config.core.databases import Among
from config.core.orm import is_id
from config.core.written_dates import written_day
from patients.admin.pickers import PatientField
from patients.finding import COLUMNS
from patients.models import Patient

# Without a patient or a person so many days are shown at most: a filter may have to pass over all that was done in them.
MOST_DAYS = 31
# So many days with a person. Those of one patient have no limit.
MOST_DAYS_OF_PERSON = 366
# More people or keys than these are not told apart by a word.
_MATCHES = 100
REFUSED, ALL = "refused", "all"
WHAT = (
    ("", _("All but lists")),
    (Way.READ, _("Opened and read")),
    (Way.CHANGED, pgettext_lazy("audit trail", "Changed")),
    (Way.EXPORTED, pgettext_lazy("audit trail", "Exported")),
    (Way.SIGNED_IN, _("Signed in and out")),
    (REFUSED, pgettext_lazy("audit trail", "Refused")),
    (Way.LISTED, _("Lists and searches")),
    (ALL, _("Everything")),
)


def done(what: str, prefix: str = "") -> Q:
    """Return the condition that an event is what a choice of WHAT says; `prefix` is the lookup that leads to the event."""
    if what == ALL:
        return Q()
    if what == REFUSED:
        return Q(**{f"{prefix}outcome": AuditEvent.Outcome.DENIED})
    return in_way(Way(what), prefix) & Q(**{f"{prefix}outcome": AuditEvent.Outcome.OK}) if what else ~in_way(Way.LISTED, prefix)


class DaysForm(LocalForm):
    """From which day to which, both of them whole, on the organization's clock. Without a choice the last MOST_DAYS."""

    since = LocalDateField(label=pgettext_lazy("first day", "From"), past=True, required=False)
    until = LocalDateField(label=pgettext_lazy("last day", "To"), past=True, required=False)

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "since" in given and "until" in given:
            given["until"] = min(given["until"] or timezone.localdate(), timezone.localdate())
            given["since"] = given["since"] or self.first_day(given["until"])
            if given["until"] < given["since"]:
                self.add_error("until", gettext("This day is before the first one."))
        return given

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        today = timezone.localdate()
        for name, day in (("since", self.first_day(today)), ("until", today)):
            self.fields[name].widget.attrs["placeholder"] = written_day(day)

    def first_day(self, until: datetime.date) -> datetime.date:
        """Return the first day, where none is given."""
        return until - datetime.timedelta(days=MOST_DAYS - 1)

    @property
    def span(self) -> tuple[datetime.datetime, datetime.datetime]:
        """The moment at which the first day begins, and the one at which the last is over."""
        first, last = self.cleaned_data["since"], self.cleaned_data["until"] + datetime.timedelta(days=1)
        return _beginning(first), _beginning(last)


def _beginning(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time.min, timezone.get_current_timezone())


class AnyPatientField(PatientField):
    """A patient in scope, archived or not. The page audits whom it shows."""

    def _patient(self, value: Any) -> Patient | None:
        rows = Patient.objects.only(*COLUMNS, "uuid") if is_id(str(value or "")) else Patient.objects.none()
        return scope(self.actor, rows).filter(pk=value).first()


class TrailFilter(DaysForm):
    """The parameters of the audit trail, all of them optional."""

    patient = AnyPatientField(label=_("Patient"), required=False)
    who = forms.CharField(label=_("Person or key"), required=False, max_length=100)
    what = forms.ChoiceField(label=_("What"), required=False, choices=WHAT)
    organization = RowField(
        Organization.objects.none(), label=_("Organization"), required=False, empty_label=_("None: superadmins and tasks")
    )
    field_order = ("organization", "patient", "who", "what", "since", "until")

    def __init__(self, data: Mapping[str, Any], *, actor: Actor, **kwargs: Any):
        super().__init__(data, auto_id="filter-%s", **kwargs)
        self.actor = actor
        self.fields["patient"].actor = actor  # type: ignore[attr-defined]
        self.fields["who"].widget.attrs |= {"placeholder": gettext("Anyone"), "autocomplete": "off"}
        if actor.organization_id is None:
            self.fields["organization"].queryset = scope(actor, Organization.objects.order_by("name", "pk"))  # type: ignore[attr-defined]
            self.fields["organization"].label_from_instance = lambda row: row.name  # type: ignore[attr-defined]
        else:
            del self.fields["organization"]

    def clean(self) -> dict[str, Any]:
        given = super().clean()
        if self.errors or given["patient"]:
            return given
        most = MOST_DAYS_OF_PERSON if given["who"] else MOST_DAYS
        if (given["until"] - given["since"]).days >= most:
            message = gettext("At most %(most)s days can be shown at once: take fewer, or choose a patient or a person.")
            if given["who"]:
                message = gettext("At most %(most)s days can be shown at once: take fewer.")
            self.add_error("since", message % {"most": most})
        return given

    @property
    def organization_id(self) -> int | None:
        """Whose trail it is: the actor's organization; for a superadmin the chosen one, or that of the chosen patient."""
        given = self.cleaned_data
        if self.actor.organization_id is not None:
            return self.actor.organization_id
        chosen = given["organization"]
        return chosen.pk if chosen else getattr(given["patient"], "organization_id", None)

    def condition(self) -> Q:
        """Return the condition of the events to show."""
        given, (since, until) = self.cleaned_data, self.span
        found = done(given["what"]) & Q(at__gte=since, at__lt=until)
        if given["patient"]:
            found &= _about(given["patient"])
        if given["who"]:
            found &= self._by(given["who"])
        return found

    def _by(self, text: str) -> Q:
        """Return the condition that somebody whose name, e-mail address or key has the words of `text` did it."""
        users, keys = scope(self.actor, User.objects.order_by()), scope(self.actor, ApiKey.objects.order_by())
        for word in text.split()[:MAX_WORDS]:
            named = Q(first_name__icontains=word) | Q(last_name__icontains=word) | Q(email_key__icontains=word)
            users = users.filter(named)
            keys = keys.filter(Q(description__icontains=word) | Q(key_id=word))
        people = list(users.values_list("pk", flat=True)[:_MATCHES])
        by_key = list(keys.values_list("key_id", "user_id")[:_MATCHES])
        owners = sorted({owner for _key_id, owner in by_key})
        # A key's user is part of an index, the key itself is not.
        with_key = Q(user_id__anyof=owners, key_id__in=sorted(key_id for key_id, _owner in by_key))
        signed_in = Q(user_id=None, subject="user", subject_id__anyof=people)
        return Q(user_id__anyof=people) | with_key | signed_in


def _about(patient: Any) -> Q:
    affected = AuditedPatient.objects.filter(patient_id=patient.pk).order_by()
    return Q(Among("pk", affected.values("event_id"))) | Q(patient_id=patient.pk) | Q(patient_uuid=patient.uuid)

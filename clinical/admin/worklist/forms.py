"""The forms in which staff say what they do about alerts."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin.fields import LocalDateTimeField, LocalForm
from accounts.admin.forms import NoteField, RowField
from accounts.models import Role, User
from accounts.scope import Actor
from clinical.models import Flag, MonitoringAlert, ProcessedType
from clinical.services.monitoring import colleagues_for
from config.core.orm import COMMENT_LENGTH

# What is done most often first.
DONE = [
    (ProcessedType.CONTACTED_PATIENT, gettext_lazy("Contacted patient")),
    (ProcessedType.ADJUSTED_TREATMENT, gettext_lazy("Adjusted treatment")),
    (ProcessedType.REVIEWED, gettext_lazy("Reviewed")),
    (ProcessedType.REFERRED, gettext_lazy("Referred")),
    (ProcessedType.FALSE_ALARM, gettext_lazy("False alarm")),
]


class PersonField(RowField):
    """One of the colleagues, by name; the actor is told from the others."""

    actor: Actor

    def label_from_instance(self, obj: Any) -> str:
        return _("%(person)s (me)") % {"person": obj.get_full_name()} if obj.pk == self.actor.user_id else obj.get_full_name()


def _note(hint: Any = "") -> forms.Field:
    return NoteField(required=False, max_length=COMMENT_LENGTH, widget=forms.Textarea(attrs={"rows": 3}), help_text=hint)


class AlertsForm(LocalForm):
    """Base of the forms about one alert or several. `colleagues` are who can process all of them."""

    def __init__(self, data: Any = None, *, alerts: Sequence[MonitoringAlert], actor: Actor, **kwargs: Any):
        super().__init__(data, country=country_of(alerts), label_suffix="", **kwargs)
        self.alerts, self.actor = alerts, actor
        self.colleagues: QuerySet[User] = colleagues_for(*{alert.patient_id: alert.patient for alert in alerts}.values())

    def choose_from(self, name: str, people: QuerySet[User]) -> None:
        """Let the field `name` offer `people`."""
        field: Any = self.fields[name]
        field.actor, field.queryset = self.actor, people


class ProcessForm(AlertsForm):
    """What was done about alerts, and whether somebody looks again. Red ones ask whether one is done with them."""

    processed_type = forms.ChoiceField(choices=DONE, widget=forms.RadioSelect, label=gettext_lazy("What was done"))
    action = _note(gettext_lazy("Of a contacted patient it goes into the chart’s communication log, as a phone call."))
    review_at = LocalDateTimeField(required=False, label=gettext_lazy("Look again"))
    review_by = PersonField(User.objects.none(), required=False, label=gettext_lazy("Who looks"), empty_label=None)
    finished = forms.BooleanField(error_messages={"required": gettext_lazy("Tick this box, or escalate the alert instead.")})

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["action"].label = _("Note")
        self.choose_from("review_by", self.colleagues)
        self.fields["review_by"].initial = self.actor.user_id
        self.red = sum(alert.flag == Flag.RED for alert in self.alerts)
        if not self.red:
            del self.fields["finished"]

    def clean(self) -> dict[str, Any]:
        """Ask for a note about red alerts: whoever reads the chart later must find why they were closed."""
        cleaned = super().clean() or {}
        if self.red and not self.errors and not cleaned.get("action"):
            self.add_error("action", _("Say in a word what you found: a red alert is closed for good."))
        return cleaned

    def details(self) -> dict[str, Any]:
        """Return the details of processing as the services take them."""
        given = self.cleaned_data
        review = {"review_at": given["review_at"], "review_by_id": given["review_by"] and given["review_by"].pk}
        contacted = given["processed_type"] == ProcessedType.CONTACTED_PATIENT
        done = {"processed_type": given["processed_type"], "action": given["action"] or None, "log_call": contacted}
        return {**done, **(review if given["review_at"] else {})}


class EscalateForm(AlertsForm):
    """To whom alerts are escalated, and what that person should know."""

    escalated_to = PersonField(User.objects.none(), label=gettext_lazy("To whom"), empty_label=None)
    additional_info = _note()

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.fields["additional_info"].label = _("Note")
        others = self.colleagues.exclude(pk=self.actor.user_id)
        self.choose_from("escalated_to", others)
        self.fields["escalated_to"].initial = self._usual(others)

    def _usual(self, others: QuerySet[User]) -> User | None:
        """Return a primary caregiver of the patients, or an administrator."""
        return others.filter(role=Role.HC_PRIMARY).first() or others.first()

    def details(self) -> dict[str, Any]:
        """Return the details of escalating as the services take them."""
        given = self.cleaned_data
        note = {"additional_info": given["additional_info"]} if given["additional_info"] else {}
        return {"escalated_to_id": given["escalated_to"].pk, **note}


class ReviewForm(LocalForm):
    """Whether to look once more after one has looked again."""

    again_at = LocalDateTimeField(required=False, label=gettext_lazy("Look once more"))


def country_of(alerts: Sequence[MonitoringAlert]) -> str:
    """Return the country in whose way days are written: that of the organization of `alerts`."""
    return alerts[0].organization.country if alerts else ""

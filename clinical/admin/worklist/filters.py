"""What the worklist is filtered by."""

import datetime
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from django import forms
from django.db.models import Case, F, Q, When
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Coalesce, ExtractDay, ExtractMonth, ExtractYear
from django.db.models.lookups import GreaterThanOrEqual, IsNull, LessThanOrEqual
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.admin.forms import RowField
from accounts.admin.parameters import MAX_SEARCH
from accounts.models import CareGroup
from accounts.scope import Actor, scope
from clinical.models import Flag, RuleKind
from config.core.dates import years_before
from patients.finding import containing_words
from patients.models import Patient, Program, Status

KINDS: Mapping[str, str | Promise] = MappingProxyType(
    {
        RuleKind.MEASUREMENT: _("Threshold"),
        RuleKind.COMBINATION: _("Combination"),
        RuleKind.AVERAGE: _("Average"),
        RuleKind.OVERDUE: _("Not measured"),
        RuleKind.REMARK: _("Remark"),
    }
)
# From which age on, and up to which one.
AGES: Mapping[str, tuple[int, int | None]] = MappingProxyType({"child": (0, 17), "adult": (18, 64), "older": (65, None)})


class WorklistFilter(forms.Form):
    """The parameters of the worklist, all of them optional. Choices are in the actor's scope."""

    q = forms.CharField(required=False, max_length=MAX_SEARCH, label=_("Patient"))
    flag = forms.ChoiceField(required=False, choices=[("", _("Flag: any")), *reversed(Flag.choices)], label=_("Flag"))
    type = forms.ChoiceField(required=False, choices=[("", _("Kind: any")), *KINDS.items()], label=_("Kind"))
    program = RowField(Program.objects.none(), required=False, empty_label=_("Program: any"), label=_("Program"))
    group = RowField(CareGroup.objects.none(), required=False, empty_label=_("Group: any"), label=_("Care group"))
    age = forms.ChoiceField(
        required=False,
        choices=[("", _("Age: any")), ("child", _("Under 18")), ("adult", _("18 to 64")), ("older", _("65 and over"))],
        label=_("Age of the patient"),
    )

    def __init__(self, data: Mapping[str, Any], actor: Actor):
        super().__init__(data, auto_id="filter-%s")
        self.actor = actor
        self.fields["program"].queryset = scope(actor, Program.objects.filter(deleted_at=None))  # type: ignore[attr-defined]
        self.fields["group"].queryset = scope(actor, CareGroup.objects.filter(deleted_at=None))  # type: ignore[attr-defined]
        for name in ("program", "group"):
            self.fields[name].label_from_instance = lambda row: row.name  # type: ignore[attr-defined]

    def condition(self) -> Q:
        """Return the condition of the alerts to show."""
        given, today = self.cleaned_data, timezone.localdate()
        columns = {"flag": given["flag"], "type": given["type"], "program": given["program"]}
        found = Q(**{name: value for name, value in columns.items() if value})
        if given["group"]:
            found &= Q(patient__care_group=given["group"])
        if given["age"]:
            found &= _of_age(*AGES[given["age"]], today)
        if given["q"].strip():
            found &= Q(patient__in=Patient.objects.filter(containing_words(self.actor, given["q"])).order_by())
        return found


def _of_age(least: int, most: int | None, today: datetime.date) -> Q:
    """Return the condition that a patient is `least` to `most` years old, or was so at death."""
    born = Q(patient__date_of_birth__lte=years_before(today, least))
    old = Q(GreaterThanOrEqual(_AGE_AT_DEATH, least))
    if most is not None:
        born &= Q(patient__date_of_birth__gt=years_before(today, most + 1))
        old &= Q(LessThanOrEqual(_AGE_AT_DEATH, most))
    return Q(IsNull(_DIED, True)) & born | Q(IsNull(_DIED, False)) & old


def _day_of_year(moment: Any) -> CombinedExpression:
    """Return month and day as a number that orders them, 1231 for 31 December."""
    return ExtractMonth(moment) * 100 + ExtractDay(moment)


# As `died_at` and `age_in_years` of patients/ages.py, in SQL and in the current time zone.
_DIED = Coalesce("patient__date_time_deceased", Case(When(patient__status=Status.DECEASED, then="patient__stopped_at")))
_BORN = F("patient__date_of_birth")
_HAD_BIRTHDAY = Case(When(GreaterThanOrEqual(_day_of_year(_DIED), _day_of_year(_BORN)), then=0), default=1)
_AGE_AT_DEATH = ExtractYear(_DIED) - ExtractYear(_BORN) - _HAD_BIRTHDAY

"""Charts that lack what the organization asks for, and the dialog that fills them in."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import BadRequest
from django.db.models import Model
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.admin.fields import LocalDateField
from accounts.admin.forms import RowField
from accounts.admin.organizations import OFFICE
from accounts.admin.pages import page
from accounts.admin.parameters import check_list_parameters
from accounts.models import CareGroup, ChartNeed, Organization
from accounts.navigation import Entry, add_entry
from accounts.permissions import ADMINISTRATORS
from accounts.scope import scope
from config.core.orm import is_id
from patients.admin.dialogs.base import WRITERS, ChartDialog, ChartForm, chart_dialog
from patients.admin.forms import text_field
from patients.admin.pages import OrganizationPage
from patients.completeness import ROWS, VITAL_SIGNS, incomplete_charts, needs_of
from patients.models import Patient, Provider
from patients.models.patients import LACKS
from patients.services.patients import update_patient

# What a chart lacks, in the words of its pill.
WORDS: Mapping[str, Promise] = {
    ChartNeed.DATE_OF_BIRTH: gettext_lazy("date of birth"),
    ChartNeed.PHONE: gettext_lazy("phone number"),
    ChartNeed.EMAIL: gettext_lazy("e-mail"),
    ChartNeed.ADDRESS: gettext_lazy("address"),
    ChartNeed.CARE_GROUP: gettext_lazy("care group"),
    ChartNeed.PROVIDER: gettext_lazy("provider"),
    ChartNeed.ALLERGIES: gettext_lazy("allergies not reviewed"),
    VITAL_SIGNS: gettext_lazy("vital signs"),
}
# What the dialog fills in.
FIELDS: Mapping[str, tuple[str, ...]] = {
    ChartNeed.DATE_OF_BIRTH: ("date_of_birth",),
    ChartNeed.PHONE: ("mobile_phone", "home_phone"),
    ChartNeed.EMAIL: ("email",),
    ChartNeed.ADDRESS: ("address_line1", "postal_code", "city"),
    ChartNeed.CARE_GROUP: ("care_group",),
    ChartNeed.PROVIDER: ("primary_provider",),
}

add_entry(Entry("Patients", 5, gettext_lazy("Incomplete charts"), "warning", "admin:incomplete"))


class Lacking(NamedTuple):
    """Something that a chart lacks: the words, and where to fill it in, by a dialog or on the chart."""

    words: Promise
    dialog: str
    address: str


@page("patients/incomplete/", name="incomplete")
class IncompletePage(OrganizationPage):
    """The charts of active patients in scope that lack something, by name. A script fetches the list alone after a dialog."""

    title = gettext_lazy("Incomplete charts")  # type: ignore[assignment]
    section = "admin:incomplete"

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.framed = "HX-Request" not in request.headers
        self.template_name = f"admin/incomplete/{'page' if self.framed else 'list'}.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        check_list_parameters(self.request, {"after", "lacks", "organization"})
        organization = self.organization()
        shown = self._shown(organization) if organization else {}
        about = {"organization": organization, "organizations": self.organizations(), "asks": self._asks(organization)}
        return super().get_context_data(**about, **shown, **kwargs)

    def _asks(self, organization: Organization | None) -> str:
        """Return the address of the form that says what charts need, for those who may open it."""
        if organization is None or self.actor.role not in OFFICE:
            return ""
        back = urlencode({"next": self.request.get_full_path()})
        return reverse("admin:accounts_organization_change", args=[organization.pk]) + f"?{back}#id_chart_needs"

    def _shown(self, organization: Organization) -> dict[str, Any]:
        needs = needs_of(organization)
        lacks = self.request.GET.get("lacks", "")
        if lacks and lacks not in WORDS:
            raise BadRequest(_("This list cannot read these parameters."))
        wanted = [need for need in needs if need == lacks or not lacks]
        found = incomplete_charts(self.actor, organization, wanted, self._after())
        charts = found[:ROWS]
        audit.record_read(self.actor, "patient.search", patients=[(chart.organization_id, chart.pk) for chart in charts])
        return {
            "needs": [(need, WORDS[need]) for need in needs],
            "lacks": lacks,
            "rows": [(chart, self._lacking(chart, needs)) for chart in charts],
            "next": self._query(after=charts[-1].pk) if len(found) > ROWS else "",
            "address": self.request.get_full_path(),
            "changes_needs": self.actor.role in ADMINISTRATORS,
        }

    def _after(self) -> Patient | None:
        """Return the patient behind whom the list begins, by id: names stand in no address."""
        pk = self.request.GET.get("after", "")
        if not pk:
            return None
        found = scope(self.actor, Patient.objects.filter(pk=pk)).only("last_name_key").first() if is_id(pk) else None
        if found is None:
            raise BadRequest(_("This is no place in the list."))
        return found

    def _lacking(self, chart: Patient, needs: Mapping[str, Any]) -> list[Lacking]:
        return [self._one(chart, need) for need in needs if getattr(chart, f"lacks_{need}")]

    def _one(self, chart: Patient, need: str) -> Lacking:
        kind = "vital-signs" if need == VITAL_SIGNS else "details"
        opens = self.actor.role in WRITERS and need != ChartNeed.ALLERGIES
        dialog = reverse("admin:chart_add", args=[chart.pk, kind]) if opens else ""
        return Lacking(WORDS[need], dialog, reverse("admin:chart", args=[chart.pk]) + f"#{_PLACES.get(need, '')}".rstrip("#"))

    def _query(self, **changes: Any) -> str:
        query = self.request.GET.copy()
        for name, value in changes.items():
            query[name] = str(value)
        return query.urlencode()


_PLACES = {ChartNeed.ALLERGIES: "allergies", VITAL_SIGNS: "vital-signs"}


# --- filling in ----------------------------------------------------------------------------------------
def _row(label: Any, rows: type[Model]) -> RowField:
    return RowField(rows._default_manager.none(), label=label, required=False, empty_label=gettext_lazy("None"))


class DetailsForm(ChartForm):
    """The fields of what a chart lacks."""

    date_of_birth = LocalDateField(label=gettext_lazy("Date of birth"), required=False, past=True)
    mobile_phone = text_field(gettext_lazy("Mobile phone"), column="mobile_phone", kind="tel")
    home_phone = text_field(gettext_lazy("Home phone"), column="home_phone", kind="tel")
    email = forms.EmailField(
        label=gettext_lazy("E-mail"), required=False, max_length=254, widget=forms.EmailInput({"autocomplete": "off"})
    )
    address_line1 = text_field(gettext_lazy("Address"), column="address_line1")
    postal_code = text_field(gettext_lazy("Postal code"), column="postal_code")
    city = text_field(gettext_lazy("City"), column="city")
    care_group = _row(gettext_lazy("Care group"), CareGroup)
    primary_provider = _row(gettext_lazy("Provider"), Provider)

    def __init__(self, *args: Any, lacking: list[str], **kwargs: Any):
        super().__init__(*args, **kwargs)
        shown = {name for need in lacking for name in FIELDS.get(need, ())}
        for name in [name for name in self.fields if name not in shown]:
            del self.fields[name]
        # Of phone numbers either will do; an address needs its first line.
        self.answers = [
            name for need in lacking for name in (FIELDS.get(need, ()) if need == ChartNeed.PHONE else FIELDS.get(need, ())[:1])
        ]
        if len(self.answers) == 1:
            self.fields[self.answers[0]].required = True
        own = {"organization_id": self.patient.organization_id, "deleted_at": None}
        for name, model in (("care_group", CareGroup), ("primary_provider", Provider)):
            if name in self.fields:
                field: Any = self.fields[name]
                field.queryset = scope(self.actor, model._default_manager.filter(**own).order_by("name", "pk"))

    def clean(self) -> dict[str, Any] | None:
        """Refuse a form that leaves everything missing."""
        values = super().clean()
        if len(self.answers) > 1 and not self.errors and not any(self.cleaned_data.get(name) for name in self.answers):
            raise forms.ValidationError(_("Fill in at least one of these."))
        return values


@chart_dialog("details", "add")
class DetailsDialog(ChartDialog):
    """Filling in what a chart lacks of the patient's own details."""

    title = gettext_lazy("Complete the chart")  # type: ignore[assignment]
    form_class, blocks, versioned = DetailsForm, ("banner", "contact"), True
    layout = (("mobile_phone", "home_phone"), ("postal_code", "city"))
    lacks: list[str]

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        # The version that is compared is the patient's own.
        self.entry, self.lacks = self.patient, self.lacking()

    def reread(self) -> None:
        self.entry = self.patient = self.find_patient(self.kwargs["patient_id"])
        self.lacks = self.lacking()

    def lacking(self) -> list[str]:
        """Return what the patient lacks now of what the organization asks for."""
        lacks: Any = {f"lacks_{need}": LACKS[need] for need in self.patient.organization.needs}
        row = Patient.objects.filter(pk=self.patient.pk).annotate(**lacks).values(*lacks).first()
        if row is None:
            raise Http404
        return [name.removeprefix("lacks_") for name, lacked in row.items() if lacked]

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "lacking": self.lacks}

    def get_initial(self) -> dict[str, Any]:
        return {name: getattr(self.patient, name) for names in FIELDS.values() for name in names}

    @property
    def hint(self) -> str:  # type: ignore[override]
        """What is left to do where these details are complete."""
        return "" if FIELDS.keys() & {*self.lacks} else _("Nothing is missing of these details.")

    def save(self, form: Any) -> str:
        version = form.cleaned_data["base_version"] or 0
        update_patient(actor=self.actor, patient_id=self.patient.pk, base_version=version, changes=form.changes())
        return _("Saved. This chart still lacks something.") if self.lacking() else _("The chart was completed.")

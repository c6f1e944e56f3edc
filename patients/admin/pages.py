"""The bases of pages and dialogs about one patient, and of those that add to an organization."""

from dataclasses import dataclass
from typing import Any

from django.db.models import BigAutoField, QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from accounts import audit
from accounts.admin.dialogs import DialogView
from accounts.admin.pages import Page
from accounts.models import Organization
from accounts.scope import Role, Viewer, scope, viewer_of
from accounts.site import actor_of
from config.core.compiled_queries import parameter
from config.core.instances import InstanceQuery
from config.core.orm import is_id
from patients.labels import label_of, name_of
from patients.models import Patient


class OrganizationPage(Page):
    """Base of the pages that add to one organization: FC_ADMIN adds to the one that the address names."""

    def organizations(self) -> list[Organization]:
        """Return the organizations of which the caller must choose one, none where there is nothing to choose."""
        if self.actor.role != Role.FC_ADMIN:
            return []
        return list(scope(self.actor, Organization.objects.order_by("name", "pk")))

    def organization(self) -> Organization | None:
        """Return the organization to add to; None while a superadmin has not chosen one."""
        own = scope(self.actor, Organization.objects.order_by("name", "pk"))
        if self.actor.role != Role.FC_ADMIN:
            return own.get(pk=self.actor.organization_id)
        return own.filter(slug=self.request.GET.get("organization", "")).first()


@dataclass(frozen=True)
class VisiblePatient(InstanceQuery):
    """A patient whom a viewer sees, archived or not, with what pages about them name; each of those runs this."""

    viewer: Viewer
    patient_id: int = parameter(BigAutoField())

    def queryset(self) -> QuerySet[Patient]:
        rows = Patient.objects.select_related("organization", "care_group", "primary_provider")
        return scope(self.viewer, rows).filter(pk=self.patient_id).order_by()


class PatientPage(Page):
    """Base of the pages about the patient whose id is the argument `patient_id`.

    The patient is in the caller's scope, archived or not; otherwise the page does not exist, and that is audited.
    Showing the page is audited as `patient.<audited_action>`, unless it shows nothing of the record.
    """

    section = "admin:patients_patient_changelist"
    audited_action: str | None = "read"
    patient: Patient

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        self.patient = self.find_patient(kwargs["patient_id"])

    def find_patient(self, patient_id: int) -> Patient:
        """Return the patient in scope. Raises Http404 where there is none."""
        found = VisiblePatient(viewer_of(self.actor), patient_id).instances() if is_id(str(patient_id)) else []
        if not found:
            named = {"subject_id": patient_id, "patient_id": patient_id} if is_id(str(patient_id)) else {}
            audit.record_denied(self.actor, "patient.read", subject="patient", **named)
            raise Http404
        return found[0]

    def render_to_response(self, context: dict[str, Any], **kwargs: Any) -> Any:
        self.audit_shown()
        return super().render_to_response(context, **kwargs)

    def audit_shown(self) -> None:
        """Audit that the page is shown, before the answer leaves."""
        if self.audited_action:
            patients = [(self.patient.organization_id, self.patient.pk)]
            audit.record_read(self.actor, f"patient.{self.audited_action}", patients=patients)

    def get_title(self) -> str:
        return self.title or label_of(self.patient, timezone.localdate())

    def get_breadcrumbs(self) -> list[tuple[str, str]]:
        patients = (_("Patients"), reverse("admin:patients_patient_changelist"))
        chart = (name_of(self.patient), reverse("admin:chart", args=[self.patient.pk]))
        return [patients, chart] if self.title else [patients]

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"patient": self.patient, **kwargs})

    @classmethod
    def record_denied(cls, request: HttpRequest, name: str, **kwargs: Any) -> None:
        """Audit the refusal with the patient whom the address named."""
        named = {"subject": "patient", "subject_id": kwargs["patient_id"], "patient_id": kwargs["patient_id"]}
        action = "patient.read" if request.method in ("GET", "HEAD") else "patient.update"
        audit.record_denied(actor_of(request), action, **(named if is_id(str(kwargs["patient_id"])) else {}))


class PatientDialog(DialogView, PatientPage):
    """Base of the dialogs about one patient. They show whom they are about, as the page behind them does."""

    template_name = "admin/patients/dialog.html"
    audited_action: str | None = None

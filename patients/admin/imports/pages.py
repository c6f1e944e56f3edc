"""The pages of imports. Whoever administers an organization imports into it, and finds its imports here."""

from http import HTTPStatus
from itertools import islice
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts import audit
from accounts.admin.dialogs import DialogView
from accounts.admin.pages import page
from accounts.navigation import Entry, add_entry
from accounts.permissions import ADMINISTRATORS
from accounts.scope import scope
from config.core.exceptions import Conflict, Invalid
from config.core.orm import is_id
from config.core.tables import FileRefused, TableRow
from config.rest.bulk_reader import BulkReader
from patients import import_runs
from patients.admin.imports import shown
from patients.admin.imports.forms import ColumnsForm, UploadForm
from patients.admin.imports.shown import RUNNING, UNDOABLE, progress_of
from patients.admin.pages import OrganizationPage
from patients.import_options import OnError
from patients.import_runs import MAX_FILE, Findings, ImportFile
from patients.input_serializers import ImportedPatient
from patients.models import UNWRITTEN, ImportCreation, ImportState, PatientImport
from patients.services.imports import begin_undo, changed_since, undo_rows

ROWS_A_PAGE = 25
# How many values of a column are shown as examples.
EXAMPLES = 3

add_entry(Entry("Patients", 90, _("Imports"), "arrow-up", "admin:imports", readers=ADMINISTRATORS))


class ImportsBase(OrganizationPage):
    """Base of the pages of imports."""

    readers = writers = ADMINISTRATORS
    section = "admin:imports"


@page("patients/imports/", name="imports")
class ImportsPage(ImportsBase):
    """The form for a file, and the imports of the past. A superadmin chooses the organization first."""

    template_name = "admin/imports/list.html"
    title = _("Imports")
    # The parts of the form beside the file are small.
    max_body_size = MAX_FILE + 200_000
    uploaders = ADMINISTRATORS

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        form = UploadForm(actor=self.actor, organization=organization) if organization else None
        return self.render_to_response(self.get_context_data(form=form))

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        organization = self.organization()
        if organization is None:
            return self.get(request)
        form = UploadForm(request.POST, request.FILES, actor=self.actor, organization=organization)
        if form.is_valid():
            try:
                run = import_runs.upload_import(actor=self.actor, organization=organization, upload=form.upload())
                return HttpResponseRedirect(reverse("admin:import", args=[run.pk]))
            except FileRefused as error:
                form.add_error("file", gettext("This file cannot be imported: %(reason)s.") % {"reason": error})
        return self.render_to_response(self.get_context_data(form=form), status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        past = Paginator(shown.listed_imports(self.actor), ROWS_A_PAGE).get_page(self.request.GET.get("page"))
        imports = [
            {"run": run, "by": shown.importer_of(run, self.actor), "has_written": run.state not in shown.NOTHING_WRITTEN}
            for run in past
        ]
        fields = sorted(BulkReader(ImportedPatient).fields)
        shared = {"past": past, "imports": imports, "fields": fields, "organizations": self.organizations()}
        return super().get_context_data(**shared, **kwargs)


class OneImport(ImportsBase):
    """Base of the pages about the import whose id is the argument `import_id`, which is in the caller's scope."""

    parents = (("imports", _("Imports")),)
    run: PatientImport

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        pk = kwargs["import_id"]
        rows = PatientImport.objects.select_related("organization", "created_by", "care_group")
        found = scope(self.actor, rows).filter(pk=pk).first() if is_id(str(pk)) else None
        if found is None:
            raise Http404
        self.run = found

    def get_title(self) -> str:
        return self.title or self.run.file_name

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"run": self.run, **kwargs})

    def to_import(self) -> HttpResponse:
        """Lead to the page of the import: a script is told the address, a form is redirected."""
        address = reverse("admin:import", args=[self.run.pk])
        if "HX-Request" in self.request.headers:
            return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"HX-Redirect": address})
        return HttpResponseRedirect(address)

    def record_read(self) -> None:
        """Audit that the caller is shown rows of the file, which are not in any record yet."""
        audit.record_access(self.actor, "patient_import.read", subject="patient_import", subject_id=self.run.pk)


@page("patients/imports/<int:import_id>/", name="import")
class ImportPage(OneImport):
    """An import as it is now: its progress, or what was found in its rows and what can be done next."""

    template_name = "admin/imports/import.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.run.state == ImportState.COLUMNS:
            return HttpResponseRedirect(reverse("admin:import_columns", args=[self.run.pk]))
        if self.run.content_sealed:
            self.record_read()
        return super().get(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        run, kept = self.run, Findings.of(self.run) if self.run.content_sealed else None
        patients = shown.created_patients(run, self.actor) if run.state in UNDOABLE else []
        if patients:
            audit.record_read(self.actor, "patient.search", patients=[(row.organization_id, row.pk) for row in patients])
        return super().get_context_data(
            running=run.state in RUNNING,
            undoable=run.state in UNDOABLE and run.created > 0,
            blocked=run.on_error == OnError.ABORT and run.failed > 0,
            by=shown.importer_of(run, self.actor),
            settings=shown.settings_of(run, self.actor),
            progress=progress_of(run),
            outcomes=shown.outcomes_of(run, kept),
            patients=patients,
            errors=shown.shown_errors(run, kept) if kept else [],
            number_of_errors=len(kept.problems) if kept else 0,
            undone=shown.undo_counts(run) if run.state == ImportState.UNDONE else None,
            to_write=run.created + run.updated,
            **kwargs,
        )


@page("patients/imports/<int:import_id>/columns/", name="import_columns")
class ImportColumns(OneImport):
    """The field of each column, with the first values of the file. They are remembered for the next file with this header."""

    template_name = "admin/imports/columns.html"
    title = _("Columns of the file")

    def form(self, data: Any = None) -> ColumnsForm:
        """Return the form, with what was sent."""
        header = ImportFile(self.run).table.titles
        known = list(BulkReader(ImportedPatient).fields)
        return ColumnsForm(data, header=header, likely=import_runs.likely_columns(self.run), known=known)

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return self._shown(self.form()) if self.run.state in UNWRITTEN else self.to_import()

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if self.run.state not in UNWRITTEN:
            return self.to_import()
        form = self.form(request.POST)
        if form.is_valid():
            try:
                import_runs.choose_columns(run=self.run, columns=form.columns())
                return self.to_import()
            except Invalid as error:
                form.explain(error)
        return self._shown(form, status=HTTPStatus.UNPROCESSABLE_ENTITY)

    def _shown(self, form: ColumnsForm, **kwargs: Any) -> HttpResponse:
        self.record_read()
        table = ImportFile(self.run).table
        rows = [row.cells for row in islice(table, EXAMPLES) if isinstance(row, TableRow) and not row.fault]
        columns = [
            {"field": form[f"column_{number}"], "examples": [cells[number] for cells in rows if cells[number].strip()]}
            for number, title in enumerate(table.header)
            if title
        ]
        return self.render_to_response(self.get_context_data(form=form, columns=columns), **kwargs)


@page("patients/imports/<int:import_id>/step/", name="import_step")
class ImportStep(OneImport):
    """Does the next piece of the work, and answers how far it is. The page asks for it again until there is nothing left."""

    template_name = "admin/imports/progress.html"
    framed = False
    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            if self.run.state == ImportState.UNDOING:
                undo_rows(actor=self.actor, run=self.run)
                self.run.refresh_from_db()
            else:
                import_runs.take_step(actor=self.actor, run=self.run)
        except Conflict as error:
            messages.error(request, error.message)
            return self.to_import()
        if self.run.state not in RUNNING or "HX-Request" not in request.headers:
            return self.to_import()
        return self.render_to_response(self.get_context_data(progress=progress_of(self.run)))


@page("patients/imports/<int:import_id>/errors/", name="import_errors")
class ImportErrors(OneImport):
    """All errors as a table to download, each with the row as it is in the file: to be mended, and uploaded again."""

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not self.run.content_sealed:
            raise Http404
        self.record_read()
        content, encoding = import_runs.error_table(self.run)
        response = HttpResponse(content, content_type=f"text/csv; charset={encoding}")
        response["Content-Disposition"] = 'attachment; filename="errors.csv"'
        return response


EVENTS = {"start": import_runs.begin_import, "stop": import_runs.stop_import, "forget": import_runs.forget_file}
"""What a button of the page does, beside the columns and the undo."""


@page("patients/imports/<int:import_id>/undo/", name="import_undo")
class UndoDialog(DialogView, OneImport):
    """Archives the patients whom the import created and whom nobody has changed since. It says before how many those are."""

    template_name = "admin/imports/undo.html"
    title = _("Undo this import")
    submit_label = _("Archive them")

    def get_form(self, data: Any = None) -> Form:
        return Form(data)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        created = list(ImportCreation.objects.filter(patient_import=self.run).order_by("pk").values_list("patient_id", flat=True))
        changed = len(changed_since(created))
        return super().get_context_data(**{"changed": changed, "unchanged": len(created) - changed, **kwargs})

    def save(self, form: Any) -> str:
        begin_undo(actor=self.actor, run=self.run)
        return gettext("The import is being undone.")

    def success_url(self) -> str:
        return reverse("admin:import", args=[self.run.pk])


@page("patients/imports/<int:import_id>/<slug:event>/", name="import_event")
class ImportEvent(OneImport):
    """What a button of the page does: begin to write, stop, or remove the file."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if kwargs["event"] not in EVENTS:
            raise Http404
        try:
            EVENTS[kwargs["event"]](actor=self.actor, run=self.run)
        except Conflict as error:
            messages.error(request, error.message)
        return self.to_import()

"""The pages of imports: upload, columns, check, progress, import, errors and undo."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import AuditedPatient, AuditEvent, Role
from config.core.uploads import own_body_limit
from patients import import_runs
from patients.import_runs import MAX_FILE
from patients.models import ImportState, Patient, PatientImport
from tests.pages import sign_in

UPLOAD = {"mode": "create", "match_on": "chart_number", "on_error": "continue"}
FILE = "first_name,last_name,chart_number\n"
SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def admin(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


def upload(client: Client, content: str | bytes, query: str = "", **values):
    file = SimpleUploadedFile("people.csv", content.encode() if isinstance(content, str) else content)
    return client.post(f"/admin/patients/imports/{query}", {**UPLOAD, **values, "file": file})


def checking_client(clinic, role: str = Role.HC_ADMIN) -> Client:
    """Return a client whose forms are read for the token against forgery, as those of browsers are."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinic.users[role], backend="accounts.authentication.StaffBackend")
    client.cookies["csrftoken"] = "a" * 32
    return client


def latest(clinic) -> PatientImport:
    return PatientImport.objects.filter(organization=clinic.organization).latest("pk")


def address(run: PatientImport, name: str = "import", *args: str) -> str:
    return reverse(f"admin:{name}", args=[run.pk, *args])


def steps(client: Client, run: PatientImport) -> list[int]:
    """Ask for steps as the page does, until it is told to load the page; return the statuses."""
    statuses = []
    while not statuses or statuses[-1] == 200:
        answer = client.post(address(run, "import_step"), headers=SCRIPT)
        statuses.append(answer.status_code)
    assert answer.headers["HX-Redirect"] == address(run)
    run.refresh_from_db()
    return statuses


def test_a_file_is_checked_imported_and_undone(clinic, admin, monkeypatch):
    monkeypatch.setattr(import_runs, "CHUNK", 2)
    answer = upload(admin, f"{FILE}Ann,Lee,C-1\nBo,Ray,C-2\nCy,,C-3\nDee,Day,C-4\nEd,Oak,C-5\n", care_group=clinic.group.pk)
    run = latest(clinic)
    assert answer.headers["Location"] == address(run)
    assert "Checking the rows" in admin.get(address(run)).content.decode()
    assert steps(admin, run) == [200, 200, 204]
    page = admin.get(address(run)).content.decode()
    for words in ("Nothing is written yet", "Import 4 rows", "This field is required.", "Lee, Ann", "last_name"):
        assert words in page, words
    assert not Patient.objects.filter(chart_number="C-1", organization=clinic.organization).exists()
    assert admin.post(address(run, "import_event", "start")).headers["Location"] == address(run)
    assert "0 of 5" in admin.get(address(run)).content.decode()
    assert steps(admin, run) == [200, 200, 204]
    created = Patient.objects.get(chart_number="C-1", organization=clinic.organization)
    page = admin.get(address(run)).content.decode()
    assert "Undo this import" in page
    assert f'<a href="{reverse("admin:chart", args=[created.pk])}">Lee, Ann, C-1</a>' in page
    assert AuditedPatient.objects.filter(event__action="patient.search", patient_id=created.pk).exists()
    assert Patient.objects.filter(chart_number__startswith="C-", care_group=clinic.group).count() == 4
    errors = admin.get(address(run, "import_errors"))
    assert errors.content.decode().splitlines()[1] == "4,last_name,This field is required.,Cy,,C-3"
    admin.post(address(run, "import_event", "forget"))
    assert "This field is required." not in admin.get(address(run)).content.decode()
    assert admin.get(address(run, "import_errors")).status_code == 404
    assert "<strong>4</strong> patients" in admin.get(address(run, "import_undo")).content.decode()
    assert admin.post(address(run, "import_undo")).headers["HX-Redirect"] == address(run)
    assert steps(admin, run) == [204]
    page = admin.get(address(run)).content.decode()
    assert "4 patients of this import were archived" in page
    assert "Lee, Ann" not in page
    assert not Patient.objects.filter(chart_number__startswith="C-", deleted_at=None, care_group=clinic.group).exists()


def test_the_undo_says_how_many_were_changed_since_and_what_stays(clinic, admin):
    clinic.patient(chart_number="C-2")
    # While a row is wrong the file is kept, and so is what its rows change.
    upload(admin, f"{FILE}Ann,Lee,C-1\nBo,Ray,C-2\nCy,Day,C-3\nDee,,C-4\n", mode="upsert")
    run = latest(clinic)
    steps(admin, run)
    admin.post(address(run, "import_event", "start"))
    steps(admin, run)
    page = admin.get(address(run)).content.decode()
    assert "Patients of this import" in page
    assert "What changes" in page
    clinic.enrolled(responsible_party_id=Patient.objects.get(chart_number="C-1", organization=clinic.organization).pk)
    dialog = " ".join(admin.get(address(run, "import_undo")).content.decode().split())
    assert "<strong>1</strong> patient whom this import created is archived" in dialog
    assert "<strong>1</strong> was changed since" in dialog
    assert "1 patient whom it updated keeps what it wrote" in dialog
    admin.post(address(run, "import_undo"))
    steps(admin, run)
    page = admin.get(address(run)).content.decode()
    assert "1 patient of this import was archived" in page
    assert "1 had been changed since and stays." in page


def test_fields_are_chosen_for_unknown_columns_with_their_first_values_beside(clinic, admin):
    answer = upload(admin, "Given name;Surname;Our note\nAnn;Lee;likes tea\n")
    run = latest(clinic)
    assert answer.headers["Location"] == address(run)
    columns = admin.get(answer.headers["Location"]).headers["Location"]
    assert columns == address(run, "import_columns")
    page = admin.get(columns).content.decode()
    assert "likes tea" in page
    assert '<option value="last_name" selected>Last name</option>' in page
    refused = admin.post(columns, {"column_0": "first_name", "column_1": "last_name", "column_2": ""})
    assert (refused.status_code, "or leave this column out" in refused.content.decode()) == (422, True)
    refused = admin.post(columns, {"column_0": "first_name", "column_1": "first_name", "column_2": "-"})
    assert (refused.status_code, "Two columns are chosen for first name" in refused.content.decode()) == (422, True)
    admin.post(columns, {"column_0": "first_name", "column_1": "last_name", "column_2": "-"})
    steps(admin, run)
    assert (run.state, run.created) == (ImportState.CHECKED, 1)


def test_a_bad_file_is_told_in_words_beside_the_field(clinic, admin):
    answer = upload(admin, b"PK\x03\x04")
    assert answer.status_code == 422
    assert "This file cannot be imported: it is a workbook of a spreadsheet program" in answer.content.decode()
    assert "This file is empty." in upload(admin, "").content.decode()
    assert "Choose a file." in admin.post("/admin/patients/imports/", UPLOAD).content.decode()
    assert not PatientImport.objects.filter(organization=clinic.organization).exists()


def test_a_file_of_the_largest_size_is_read_and_a_larger_one_is_not(clinic, admin):
    row = "Ann,Lee," + "x" * 1_000 + "\n"
    content = (FILE + row * (MAX_FILE // len(row))).encode()
    assert upload(admin, content[:MAX_FILE]).status_code == 302
    assert "larger than 8 MB" in upload(admin, b"a" * (MAX_FILE + 1)).content.decode()
    assert upload(admin, b"a" * (MAX_FILE + 300_000)).status_code == 413


@pytest.mark.parametrize("role", [Role.HC_VIEW_ALL, Role.HC_PRIMARY])
def test_a_file_of_somebody_who_may_not_import_is_refused_before_a_byte_is_kept(clinic, role):
    assert upload(sign_in(clinic.users[role]), "secret").status_code == 403
    assert upload(checking_client(clinic, role), "secret").status_code == 400
    assert not PatientImport.objects.filter(organization=clinic.organization).exists()


def test_no_other_page_takes_a_file(clinic, admin):
    for path in ("/admin/patients/register/", "/admin/", address(clinic.upload(), "import_columns")):
        file = SimpleUploadedFile("people.csv", b"a,b\n1,2\n")
        assert checking_client(clinic).post(path, {"file": file}).status_code == 400, path
        assert own_body_limit(path) is None
    files = [SimpleUploadedFile("people.csv", b"a,b\n1,2\n")] * 2
    assert admin.post("/admin/patients/imports/", {**UPLOAD, "file": files}).status_code == 400


def test_a_form_from_another_site_is_refused(clinic):
    assert upload(checking_client(clinic), f"{FILE}Ann,Lee,C-1\n").status_code == 403
    assert not PatientImport.objects.filter(organization=clinic.organization).exists()


def test_a_superadmin_chooses_the_organization_first(clinic, neighbour):
    client = sign_in(clinic.users[Role.FC_ADMIN])
    page = client.get("/admin/patients/imports/").content.decode()
    assert "In which organization?" in page
    assert 'type="file"' not in page
    upload(client, f"{FILE}Ann,Lee,C-1\n", query=f"?organization={neighbour.organization.slug}")
    run = latest(neighbour)
    steps(client, run)
    assert neighbour.organization.name in client.get(address(run)).content.decode()
    client.post(address(run, "import_event", "start"))
    steps(client, run)
    assert Patient.objects.filter(organization=neighbour.organization, chart_number="C-1").exists()
    assert "by the operator" in sign_in(neighbour.users[Role.HC_ADMIN]).get(address(run)).content.decode()


def test_an_administrator_cannot_import_elsewhere_or_into_a_group_of_others(clinic, neighbour, admin):
    upload(admin, f"{FILE}Ann,Lee,C-1\n", query=f"?organization={neighbour.organization.slug}")
    assert latest(clinic)
    assert not PatientImport.objects.filter(organization=neighbour.organization).exists()
    assert upload(admin, f"{FILE}Ann,Lee,C-1\n", care_group=neighbour.group.pk).status_code == 422
    theirs = neighbour.upload()
    for name, *args in (("import_step",), ("import_event", "start"), ("import_undo",), ("import_columns",)):
        assert admin.post(address(theirs, name, *args)).status_code == 404


def test_what_cannot_be_done_any_more_is_said(clinic, admin):
    run = clinic.upload(f"{FILE}Ann,Lee,C-1\n")
    PatientImport.objects.filter(pk=run.pk).update(content_sealed=None)
    answer = admin.post(address(run, "import_step"), headers=SCRIPT)
    assert answer.headers["HX-Redirect"] == address(run)
    assert "The file is no longer kept" in admin.get(address(run)).content.decode()
    answer = admin.post(address(run, "import_event", "start"), follow=True)
    assert "This import has gone on meanwhile" in answer.content.decode()
    assert admin.get(address(run, "import_errors")).status_code == 404


def test_what_is_shown_of_a_file_is_audited(clinic, admin):
    run = clinic.upload(f"{FILE}Ann,Lee,C-1\n")
    admin.get(address(run))
    admin.get(address(run, "import_columns"))
    events = AuditEvent.objects.filter(action="patient_import.read", subject="patient_import", subject_id=run.pk)
    assert events.count() == 2


def test_the_list_counts_what_was_written_and_nothing_that_only_would_be(clinic, admin):
    run = clinic.upload(f"{FILE}Ann,Lee,C-1\n")
    steps(admin, run)
    listed = "/admin/patients/imports/"
    assert '<td class="number">1</td>' not in admin.get(listed).content.decode()
    admin.post(address(run, "import_event", "start"))
    steps(admin, run)
    assert '<td class="number">1</td>' in admin.get(listed).content.decode()


def test_the_list_has_the_imports_of_ones_own_organization(clinic, neighbour, admin):
    clinic.upload(file_name="ours.csv")
    neighbour.upload(file_name="theirs.csv")
    page = admin.get("/admin/patients/imports/").content.decode()
    assert ("ours.csv" in page, "theirs.csv" in page) == (True, False)
    page = sign_in(clinic.users[Role.FC_ADMIN]).get("/admin/patients/imports/").content.decode()
    assert ("ours.csv" in page, "theirs.csv" in page) == (True, True)


def test_the_list_of_imports_costs_the_same_however_long_it_is(clinic, admin):
    def statements() -> int:
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert admin.get("/admin/patients/imports/").status_code == 200
        return len(captured)

    clinic.upload()
    statements()
    before = statements()
    for _ in range(9):
        clinic.upload()
    assert statements() == before


def test_a_list_leaves_the_files_in_the_database(clinic, admin):
    clinic.upload()
    with CaptureQueriesContext(connection) as captured:
        page = admin.get("/admin/patients/imports/").content.decode()
    assert "people.csv" in page
    assert not any("content_sealed" in query["sql"] for query in captured)

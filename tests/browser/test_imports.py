"""Task A6 of administrators: import a file of patients, look at what is wrong, choose columns, undo."""

import pytest
from playwright.sync_api import expect

from accounts.models import Role
from patients.models import ImportState, Patient, PatientImport
from tests.browser.tasks import at_both_widths, clicks_at_most, look, sign_in

pytestmark = pytest.mark.browser

HEADER = "first_name,last_name,date_of_birth,chart_number\n"
# Twelve rows that nothing reads, among 200.
WRONG = range(7, 200, 17)


def people(count: int) -> bytes:
    """Return a file of people in which the rows WRONG have no last name, or a birthday to come."""
    lines = []
    for number in range(count):
        last_name = "" if number in WRONG and number % 2 else f"Lee{number}"
        born = "2999-01-01" if number in WRONG else "1961-04-03"
        lines.append(f"Ann{number},{last_name},{born},C-{number}\n")
    return (HEADER + "".join(lines)).encode()


def file_of(content: bytes) -> dict:
    return {"name": "people.csv", "mimeType": "text/csv", "buffer": content}


@at_both_widths
def test_a6_import_200_patients_with_12_wrong_rows(page, clinic, width):
    assert len(WRONG) == 12
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    page.goto("/admin/patients/imports/")
    look(page)
    with clicks_at_most(page, 2):
        page.get_by_label("File", exact=True).set_input_files(file_of(people(200)))
        page.get_by_role("button", name="Upload and check").click()
        expect(page.get_by_role("listitem").filter(has_text="188 would be created")).to_be_visible()
        expect(page.get_by_role("listitem").filter(has_text="12 are wrong")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Import 188 rows").click()
        expect(page.get_by_text("188 created").first).to_be_visible()
    look(page)
    assert Patient.objects.filter(organization=clinic.organization, chart_number__startswith="C-").count() == 188
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the rows that are wrong").click()
    lines = download.value.path().read_text().splitlines()
    assert len({line.split(",")[0] for line in lines[1:]}) == 12


@at_both_widths
def test_choose_columns_and_undo(page, clinic, width):
    sign_in(page, clinic.users[Role.HC_ADMIN], width)
    page.goto("/admin/patients/imports/")
    with clicks_at_most(page, 5):
        content = b"Given name;Surname;Our note\nAnn;Lee;likes tea\nBo;Ray;\n"
        page.get_by_label("File", exact=True).set_input_files(file_of(content))
        page.get_by_role("button", name="Upload and check").click()
        page.get_by_label("Our note").select_option("Leave out")
        look(page)
        page.get_by_role("button", name="Check the rows").click()
        page.get_by_role("button", name="Import 2 rows").click()
        page.get_by_role("button", name="Undo this import").click()
        expect(page.get_by_role("dialog").get_by_text("2 patients whom this import created are archived")).to_be_visible()
        look(page)
        page.get_by_role("button", name="Archive them").click()
        expect(page.get_by_text("2 patients of this import were archived")).to_be_visible()
    look(page)
    assert PatientImport.objects.latest("pk").state == ImportState.UNDONE


def test_a_page_that_is_opened_again_goes_on(page, clinic):
    """A check that was left when it had begun: whoever opens the import finds it going on by itself."""
    run = clinic.upload(people(5))
    sign_in(page, clinic.users[Role.HC_ADMIN])
    page.goto(f"/admin/patients/imports/{run.pk}/")
    expect(page.get_by_role("listitem").filter(has_text="5 would be created")).to_be_visible()


def test_progress_is_within_reach(page, clinic):
    run = clinic.upload(people(5))
    sign_in(page, clinic.users[Role.HC_ADMIN])
    # No step is ever answered.
    page.route("**/step/", lambda route: None)
    page.goto(f"/admin/patients/imports/{run.pk}/")
    expect(page.get_by_label("Checking the rows")).to_be_visible()
    look(page)

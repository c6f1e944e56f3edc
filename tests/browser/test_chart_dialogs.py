"""Adding to a chart in the browser: allergies and medications, vital signs, programs and own limits, a phone call."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from accounts.models import AuditEvent, Role
from clinical.models import (
    Allergy,
    AllergyDefinition,
    CommunicationLog,
    Instrument,
    Medication,
    MedicationDefinition,
    RuleOverride,
    VitalSigns,
)
from patients.models import Enrolment, Patient, Protocol
from tests.browser.tasks import at_both_widths, clicks_at_most, look, sign_in, walk_with_tab
from tests.clinical.substances import ALLERGENS, MEDICATIONS

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def settled_at_the_end(page) -> Iterator[None]:
    """Let the last request end before the tables are emptied."""
    yield
    page.wait_for_load_state("networkidle")


@pytest.fixture
def patient(clinic) -> Patient:
    return clinic.patient(last_name="Abernathy", first_name="Hugo", care_group_id=clinic.group.pk)


def open_chart(page: Page, clinic, patient: Patient, width: int) -> None:
    sign_in(page, clinic.users[Role.HC_PRIMARY], width)
    page.goto(f"/admin/patients/patient/{patient.pk}/", wait_until="networkidle")


def add(page: Page, what: str) -> None:
    """Choose `what` in the menu of what can be added: two clicks."""
    page.locator(".add-menu summary").click()
    page.locator(".add-menu").get_by_role("button", name=what).click()
    expect(page.locator("dialog[open] form")).to_be_visible()


def save(page: Page, button: str = "Save", message: str = "") -> None:
    """Press the button that saves, and wait for the status line."""
    page.locator("dialog[open]").get_by_role("button", name=button, exact=True).click()
    expect(page.locator("#status-line")).to_contain_text(message)
    expect(page.locator("dialog[open]")).to_have_count(0)
    # Tests read the database through the same connection as the server.
    page.wait_for_load_state("networkidle")


@at_both_widths
def test_c3_an_allergy_then_a_medication_that_it_speaks_against(page, clinic, patient, width):
    clinic.catalog(AllergyDefinition, "Penicillins", **ALLERGENS["Penicillins"])
    clinic.catalog(MedicationDefinition, "Amoxil 500", **MEDICATIONS["Amoxil 500"])
    open_chart(page, clinic, patient, width)
    with clicks_at_most(page, 3):
        add(page, "Allergy")
        page.keyboard.type("penicillins")
        page.get_by_label("Severity").select_option("severe")
        save(page, message="The allergy to Penicillins was added.")
    expect(page.locator("#allergies")).to_contain_text("Penicillins")
    assert Allergy.objects.get(patient=patient).severity == "severe"

    with clicks_at_most(page, 5):
        add(page, "Medication")
        page.keyboard.type("Amoxil 500")
        page.get_by_label("Dose").fill("1 tablet")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".warning.high")).to_contain_text("Recorded allergy to Penicillins (severity: severe")
        expect(page.get_by_role("button", name="Change it")).to_be_focused()
        page.wait_for_load_state("networkidle")
        assert not Medication.objects.filter(patient=patient).exists()
        look(page)
        page.get_by_label("Reason to save all the same").fill("Ruled out by a test")
        page.get_by_label("I have read this warning").check()
        save(page, "Save all the same", "Amoxil 500 was added.")
    expect(page.locator("#medications")).to_contain_text("Amoxil 500")
    assert AuditEvent.objects.get(action="medication.create").overridden == "drug_allergy.high"


def test_c3_the_safe_way_out_of_a_warning_leads_back_to_the_fields(page, clinic, patient):
    clinic.entry(Medication, patient, med_descript="Herbal tea")
    open_chart(page, clinic, patient, 1280)
    add(page, "Medication")
    page.keyboard.type("herbal tea")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Change it").click()
    name = page.locator("#id_medication")
    expect(name).to_be_focused()
    name.fill("Mint tea")
    save(page, message="Mint tea was added.")


@at_both_widths
def test_c4_vital_signs_with_what_is_out_of_range_beside_them(page, clinic, patient, width):
    open_chart(page, clinic, patient, width)
    with clicks_at_most(page, 3):
        add(page, "Vital signs")
        page.keyboard.type("146")
        page.keyboard.press("Tab")
        page.keyboard.type("84")
        page.keyboard.press("Tab")
        expect(page.locator("#flag-bp_systolic")).to_have_text("Out of range: over 129")
        expect(page.locator("#flag-bp_diastolic")).to_have_text("Out of range: over 79")
        page.keyboard.type("72")
        look(page)
        save(page, message="The vital signs were added.")
    expect(page.locator("#vital-signs")).to_contain_text("146/84")
    taken = VitalSigns.objects.get(patient=patient)
    assert (taken.bp_systolic, taken.bp_diastolic, taken.pulse) == (146, 84, 72)


def test_c4_the_answer_to_an_earlier_field_is_no_longer_waited_for(page, clinic, patient):
    """It says nothing of the later fields, and would clear what was told beside them."""
    unanswered = []

    def leave_the_first_unanswered(route):
        if unanswered:
            route.continue_()
        else:
            unanswered.append(route.request)

    page.route("**/vital-signs/flags/", leave_the_first_unanswered)
    open_chart(page, clinic, patient, 1280)
    add(page, "Vital signs")
    page.keyboard.type("146")
    page.keyboard.press("Tab")
    page.keyboard.type("84")
    with page.expect_event("requestfailed", lambda request: request in unanswered):
        page.keyboard.press("Tab")
    expect(page.locator("#flag-bp_systolic")).to_have_text("Out of range: over 129")
    expect(page.locator("#flag-bp_diastolic")).to_have_text("Out of range: over 79")


def test_c4_a_value_that_blocks_procedures_needs_a_reason(page, clinic, patient):
    open_chart(page, clinic, patient, 1280)
    with clicks_at_most(page, 5):
        add(page, "Vital signs")
        page.keyboard.type("200")
        page.get_by_role("button", name="Save", exact=True).click()
        expect(page.locator(".warning.high")).to_contain_text("A provider should look before any procedure.")
        page.get_by_label("Reason to save all the same").fill("Measured twice, provider told")
        page.get_by_label("I have read this warning").check()
        save(page, "Save all the same", "The vital signs were added.")


@at_both_widths
def test_c8_enrol_and_give_own_limits(page, clinic, patient, width):
    clinic.catalog(Instrument, "Glucose", code="glucose", unit="mg/dL")
    rule = {"kind": "measurement", "instrument": "glucose", "op": ">", "value": 180, "flag": "orange"}
    Protocol.objects.filter(pk=clinic.catalogs["protocol"].pk).change(clinic.catalogs["protocol"].pk, 1, "Protocol", rules=[rule])
    open_chart(page, clinic, patient, width)
    with clicks_at_most(page, 3):
        add(page, "Program enrolment")
        page.get_by_label("Program and protocol").select_option(index=1)
        save(page, "Enrol", "Enrolled in")
    assert Enrolment.objects.get(patient=patient).protocol_id == clinic.catalogs["protocol"].pk

    page.evaluate(f"clinic.open('/admin/patients/patient/{patient.pk}/add/limits/')")
    with clicks_at_most(page, 1):
        page.get_by_label("Instrument").select_option("glucose")
        limit = page.get_by_role("group", name="Limit 1")
        expect(limit.get_by_label("Value")).to_have_value("180")
        # htmx listens to what it has put there 20 milliseconds later, and then takes this mark away.
        expect(page.locator(".htmx-added")).to_have_count(0)
        limit.get_by_label("Value").fill("220")
        expect(limit.get_by_text("when glucose is above 220 mg/dL.")).to_be_visible()
        look(page)
        save(page, message="The patient's own limits were saved.")
    assert RuleOverride.objects.get(patient=patient).rules == [{**rule, "value": 220}]


@at_both_widths
def test_c9_note_a_phone_call(page, clinic, patient, width):
    open_chart(page, clinic, patient, width)
    with clicks_at_most(page, 3):
        add(page, "Call or message")
        page.keyboard.type("Asked for the results of Monday")
        look(page)
        save(page, message="Phone call was added.")
    log = CommunicationLog.objects.get(patient=patient)
    assert (log.mode, log.note) == ("phone", "Asked for the results of Monday")


def test_a_dialog_keeps_the_focus_asks_before_it_closes_and_gives_the_focus_back(page, clinic, patient):
    open_chart(page, clinic, patient, 1280)
    opener = page.locator("#medications [data-dialog]").first
    opener.click()
    expect(page.locator("#id_medication")).to_be_focused()
    walk_with_tab(page)
    assert page.evaluate("Boolean(document.activeElement.closest('dialog'))")
    page.locator("#id_medication").fill("Tea")
    page.once("dialog", lambda asked: asked.dismiss())
    page.keyboard.press("Escape")
    expect(page.locator("#id_medication")).to_have_value("Tea")
    page.once("dialog", lambda asked: asked.accept())
    page.keyboard.press("Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(opener).to_be_focused()


def test_somebody_elses_change_is_told_and_the_choice_is_kept(page, clinic, patient):
    entry = clinic.entry(Medication, patient, dosage="5 mg")
    open_chart(page, clinic, patient, 1280)
    page.evaluate(f"clinic.open('/admin/patients/patient/{patient.pk}/medication/{entry.pk}/correct/')")
    page.get_by_label("Dose").fill("10 mg")
    page.wait_for_load_state("networkidle")
    Medication.objects.change(entry.pk, 1, "Medication", dosage="7 mg")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#dialog")).to_contain_text("Someone else changed this meanwhile")
    look(page)
    page.get_by_label("Theirs: 7 mg").check()
    save(page, message="Herbal tea was corrected.")
    entry.refresh_from_db()
    assert entry.dosage == "7 mg"

"""Tasks about own fields and tags: an administrator defines them, a nurse fills them in, changes them and takes them away."""

import pytest
from playwright.sync_api import Page, expect

from accounts.models import Role
from patients.models import FieldDefinition, FieldType, FieldValue, PatientTag, TagDefinition
from tests.browser.tasks import at_both_widths, clicks_at_most, look, open_page, sign_in
from tests.pages import url

pytestmark = pytest.mark.browser

OPTIONS = ["Bus", "Car"]
# Type -> what is typed or chosen at first and then, and what the chart shows of them.
SET = {
    FieldType.TEXT: ("Tall", "Short", "Tall", "Short"),
    FieldType.NUMBER: ("5.5", "6", "5.5", "6"),
    FieldType.DATE: ("6 Aug 1959", "7 Aug 1959", "6 Aug 1959", "7 Aug 1959"),
    FieldType.BOOLEAN: ("Yes", "No", "Yes", "No"),
    FieldType.DROPDOWN: ("Bus", "Car", "Bus", "Car"),
}


def save(page: Page, message: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#status-line")).to_contain_text(message)
    page.wait_for_load_state("networkidle")


def enter(page: Page, field_type: str, value: str) -> None:
    field = page.get_by_role("dialog").get_by_label(f"My {field_type}")
    if field_type in (FieldType.BOOLEAN, FieldType.DROPDOWN):
        field.select_option(label=value)
    else:
        field.fill(value)


@at_both_widths
def test_a_nurse_sets_changes_and_clears_every_kind_of_own_field(page, clinic, width):
    for field_type in FieldType:
        options = OPTIONS if field_type in (FieldType.DROPDOWN, FieldType.MULTI_SELECT) else None
        clinic.catalog(FieldDefinition, f"My {field_type}", field_type=field_type, dropdown_options=options)
    patient = clinic.patient(care_group_id=clinic.group.pk)
    sign_in(page, clinic.users[Role.HC_PRIMARY], width)
    open_page(page, f"/admin/patients/patient/{patient.pk}/")
    block, dialog = page.locator("#tags"), page.get_by_role("dialog")
    with clicks_at_most(page, 4):
        block.get_by_role("button", name="Fields").click()
        for field_type, (first, *_) in SET.items():
            enter(page, field_type, first)
        dialog.get_by_label("Bus", exact=True).check()
        dialog.get_by_label("Car", exact=True).check()
        save(page, "The fields were saved.")
    for _, _, shown, _ in SET.values():
        expect(block).to_contain_text(shown)
    expect(block).to_contain_text("Bus, Car")
    look(page)
    block.get_by_role("button", name="Fields").click()
    look(page)
    for field_type, (_, second, *_) in SET.items():
        enter(page, field_type, second)
    dialog.get_by_label("Bus", exact=True).uncheck()
    save(page, "The fields were saved.")
    for _, _, _, shown in SET.values():
        expect(block).to_contain_text(shown)
    expect(block).not_to_contain_text("Bus")
    block.get_by_role("button", name="Fields").click()
    for field_type in SET:
        enter(page, field_type, "Not known" if field_type in (FieldType.BOOLEAN, FieldType.DROPDOWN) else "")
    dialog.get_by_label("Car", exact=True).uncheck()
    save(page, "The fields were saved.")
    expect(block).to_contain_text("None.")
    assert not FieldValue.objects.filter(patient=patient).exclude(value=None).exists()


@at_both_widths
def test_a_nurse_puts_a_tag_on_and_takes_it_off(page, clinic, width):
    clinic.catalog(TagDefinition, "Wheelchair")
    patient = clinic.patient(care_group_id=clinic.group.pk)
    sign_in(page, clinic.users[Role.HC_PRIMARY], width)
    open_page(page, f"/admin/patients/patient/{patient.pk}/")
    block = page.locator("#tags")
    with clicks_at_most(page, 3):
        block.get_by_role("button", name="Tags").click()
        page.get_by_role("dialog").get_by_label("Wheelchair").check()
        save(page, "The tags were saved.")
    expect(block).to_contain_text("Wheelchair")
    with clicks_at_most(page, 3):
        block.get_by_role("button", name="Tags").click()
        page.get_by_role("dialog").get_by_label("Wheelchair").uncheck()
        save(page, "The tags were saved.")
    expect(block).not_to_contain_text("Wheelchair")
    assert not PatientTag.objects.filter(patient=patient, deleted_at=None).exists()


def test_an_administrator_defines_a_field_and_a_tag(page, clinic):
    sign_in(page, clinic.users[Role.HC_ADMIN])
    open_page(page, url(FieldDefinition, "add"))
    page.get_by_label("Name").fill("Way of coming")
    page.get_by_label("Field type").select_option("dropdown")
    page.get_by_label("Dropdown options").fill("Bus\nCar")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert FieldDefinition.objects.get(name="Way of coming").dropdown_options == OPTIONS
    open_page(page, url(TagDefinition, "add"))
    page.get_by_label("Name").fill("Wheelchair")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert TagDefinition.objects.filter(name="Wheelchair", deleted_at=None).exists()

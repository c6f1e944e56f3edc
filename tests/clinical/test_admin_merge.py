"""Merging on the pages of the admin: who may, what is shown of both records, and what is sent."""

import datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditedPatient, Role
from clinical.models import Allergy
from patients.models import Patient
from patients.services.lifecycle import record_death
from tests.clinical.merging import merge, now
from tests.factories import SYSTEM
from tests.pages import sign_in


@pytest.fixture
def admin(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def page_of(survivor: Patient, other: Patient) -> str:
    return reverse("admin:merge", args=[survivor.pk, other.pk])


def sent(survivor: Patient, other: Patient, **choices: str) -> dict[str, str]:
    """Return what the page sends of two new records: the usual choices, and `choices`."""
    usual = dict.fromkeys(("first_name", "last_name"), "survivor")
    return {"base_version": "1", "other_base_version": "1", **usual, **choices}


def test_the_page_shows_what_differs_in_words_and_what_moves(clinic, admin):
    survivor = clinic.patient(sex="female", receives_sms=True, social_security_number="123-45-6789", balance_total=Decimal(5))
    other = clinic.patient(
        care_group_id=clinic.group.pk,
        date_of_birth=datetime.date(1959, 8, 6),
        city="Delft",
        address_line1="Elm Street 1",
        responsible_party_id=clinic.relative.pk,
    )
    clinic.entry(Allergy, other)

    shown = admin.get(page_of(survivor, other))
    rows = {row.label: (row.own, row.theirs, row.field.value()) for row in shown.context["compared"]}

    assert rows["Care group"] == ("none", clinic.group.name, "other")
    assert rows["Date of birth"] == ("none", "6 Aug 1959", "other")
    assert rows["Address"] == ("none", "Elm Street 1, Delft", "other")
    assert rows["Sex at birth"] == ("Female", "none", "survivor")
    assert rows["Receives text messages"] == ("Yes", "No", "survivor")
    assert rows["Social security number"] == ("*******6789", "none", "survivor")
    assert rows["Balances"] == ("5.00", "none", "survivor")
    assert rows["Responsible party"][1] == f"{clinic.relative.last_name}, {clinic.relative.first_name}"
    assert [(row.label, row.moved) for row in shown.context["moved"] if row.moved] == [("Allergies", 1)]
    assert Patient.objects.filter(merged_into__isnull=False).count() == 0
    read = AuditedPatient.objects.filter(event__action="patient.read", event__user_id=clinic.users[Role.HC_ADMIN].pk)
    assert set(read.values_list("patient_id", flat=True)) == {survivor.pk, other.pk}


def test_what_is_chosen_is_merged_and_the_chart_opens(clinic, admin):
    survivor, other = clinic.patient(), clinic.patient()

    done = admin.post(page_of(survivor, other), sent(survivor, other, last_name="other"))

    assert done.headers["Location"] == reverse("admin:chart", args=[survivor.pk])
    assert (now(survivor).first_name, now(survivor).last_name) == (survivor.first_name, other.last_name)
    assert now(other).merged_into == survivor
    archived = admin.get(reverse("admin:chart", args=[other.pk])).content.decode()
    assert f'<a href="{reverse("admin:chart", args=[survivor.pk])}">Into the chart of ' in archived


def test_the_dialog_that_merges_leads_to_what_was_merged_before(clinic, admin):
    survivor, other = clinic.patient(), clinic.patient()
    merge(survivor, other)

    dialog = admin.get(reverse("admin:merge_choose", args=[survivor.pk])).content.decode()

    assert "Merged into this chart" in dialog
    assert f'href="{reverse("admin:chart", args=[other.pk])}">{other.last_name}' in dialog
    assert "Merged into this chart" not in admin.get(reverse("admin:merge_choose", args=[clinic.patient().pk])).content.decode()


def test_the_survivor_is_not_named_to_who_may_not_see_them(clinic):
    survivor = clinic.patient(care_group_id=clinic.other_group.pk, last_name="Elsewhere")
    other = clinic.patient(care_group_id=clinic.group.pk)
    merge(survivor, other)

    chart = sign_in(clinic.users[Role.HC_PRIMARY]).get(reverse("admin:chart", args=[other.pk])).content.decode()

    assert "Into another record of the same person" in chart
    assert "Elsewhere" not in chart


def test_a_record_that_has_changed_since_or_cannot_be_merged_is_told(clinic, admin):
    survivor, other, dead = clinic.patient(), clinic.patient(), clinic.patient()
    record_death(actor=SYSTEM, patient_id=dead.pk, at=timezone.now() - datetime.timedelta(days=1))

    stale = admin.post(page_of(survivor, other), {**sent(survivor, other), "other_base_version": "9"})
    impossible = admin.get(page_of(survivor, dead))

    assert "Someone else changed this record meanwhile" in stale.content.decode()
    assert "Only one of the records says that the patient has died" in impossible.content.decode()
    assert now(other).merged_into is None


def test_only_two_records_of_one_organization_that_stand_are_compared(clinic, neighbour):
    survivor, other, merged = (clinic.patient() for _ in range(3))
    foreign = neighbour.patient()
    merge(survivor, merged)
    superadmin = sign_in(clinic.users[Role.FC_ADMIN])

    for address in (
        page_of(survivor, survivor),
        page_of(survivor, foreign),
        page_of(survivor, merged),
        page_of(merged, other),
        reverse("admin:merge_choose", args=[merged.pk]),
    ):
        assert superadmin.get(address).status_code == 404
    assert superadmin.get(page_of(survivor, other)).status_code == 200


def test_the_dialog_offers_who_looks_alike_and_leads_to_the_comparison(clinic, admin):
    survivor = clinic.patient(last_name="Jansen", date_of_birth=datetime.date(1959, 8, 6))
    other = clinic.patient(last_name="Jansen", date_of_birth=datetime.date(1959, 8, 6))
    dialog = reverse("admin:merge_choose", args=[survivor.pk])

    offered = admin.get(dialog).context["alike"]
    chosen = admin.post(dialog, {"other": str(other.pk)})

    assert [likeness.patient for likeness in offered] == [other]
    assert chosen.headers["HX-Redirect"] == page_of(survivor, other)


@pytest.mark.parametrize(("role", "may"), [(Role.HC_ADMIN, True), (Role.HC_PRIMARY, False)])
def test_only_administrators_merge_and_undo_it(clinic, role, may):
    group = {"care_group_id": clinic.group.pk}
    survivor, other, merged = (clinic.patient(**group) for _ in range(3))
    merge(survivor, merged)
    client = sign_in(clinic.users[role])
    undo = reverse("admin:patient_life_cycle", args=[merged.pk, "unmerge"])
    restore = reverse("admin:patient_life_cycle", args=[merged.pk, "restore"])
    chart = client.get(reverse("admin:chart", args=[survivor.pk])).content.decode()
    archived = client.get(reverse("admin:chart", args=[merged.pk])).content.decode()

    assert ("Merge with another record" in chart, undo in archived) == (may, may)
    assert restore not in archived
    assert client.get(page_of(survivor, other)).status_code == (200 if may else 403)
    assert client.post(undo, {}).status_code == (204 if may else 403)
    assert (now(merged).merged_into is None) == may

"""Every page of the admin that is no list of a model, every fragment and dialog: who may open it, and about whom."""

import re
from collections import defaultdict

import pytest
from django.test import Client
from django.urls import reverse

from accounts.admin.pages import REGISTRY
from accounts.models import OutboxEvent, Role
from clinical.admin.chart.blocks import BLOCKS
from clinical.models import Medication, MonitoringAlert
from exports.webhooks.outbox import insert_deliveries
from patients.admin.life_cycle import EVENTS
from patients.models import Patient
from tests.factories import archive, key_row
from tests.pages import sign_in
from tests.policy import ADMIN_PAGES
from tests.shared import ELM_STREET, once_a_module
from tests.sweeps import swept

NOBODY = 987_654_321
# A value for each argument of an address that names no row.
WORDS = {
    "kind": "medication",
    "verb": "correct",
    "event": "archive",
    "action": "archive",
    "block": next(iter(BLOCKS)),
    "tab": "open",
    "catalog": "medication",
}
# The arguments that name a row.
ROWS = (
    *("patient_id", "appointment_id", "alert_id", "entry_id", "endpoint_id", "delivery_id", "other_id", "import_id"),
    *("user_id", "key_id", "pair_id"),
)

EXAMPLES = [page for page in REGISTRY if page.name in ("appointment", "book", "chart", "chart_entry", "merge", "worklist")]
by_page = swept("page", REGISTRY, EXAMPLES, ids=lambda page: page.name)


def arguments_of(page) -> list[str]:
    return re.findall(r"<\w+:(\w+)>", page.route)


ABOUT_ROWS = [page for page in REGISTRY if set(ROWS) & {*arguments_of(page)}]
by_page_about_rows = pytest.mark.parametrize("page", ABOUT_ROWS, ids=lambda page: page.name)


def address(page, rows: dict[str, int], **words: str) -> str:
    return reverse(f"admin:{page.name}", kwargs={name: {**WORDS, **words, **rows}[name] for name in arguments_of(page)})


def rows_of(clinic, **values) -> dict[str, int]:
    """Return the ids of a row for each argument, all of one patient."""
    patient = clinic.patient(first_name=clinic.name, last_name=clinic.name, **values)
    return {
        "patient_id": patient.pk,
        "appointment_id": clinic.appointment(patient).pk,
        "alert_id": clinic.entry(MonitoringAlert, patient).pk,
        "entry_id": clinic.entry(Medication, patient).pk,
        **webhook_rows(clinic),
        "other_id": clinic.patient(first_name=clinic.name, last_name=clinic.name, **values).pk,
        "import_id": clinic.upload().pk,
        "user_id": clinic.users[Role.HC_SECONDARY].pk,
        "key_id": key_row(clinic.keys[Role.HC_SECONDARY]).pk,
        "pair_id": clinic.pair(patient).pk,
    }


def webhook_rows(clinic) -> dict[str, int]:
    """Return the ids of a webhook endpoint and of a message to it."""
    endpoint = clinic.endpoint(description=clinic.name)
    insert_deliveries([(endpoint, OutboxEvent.objects.filter(organization_id=clinic.organization.pk).latest("pk"))])
    return {"endpoint_id": endpoint.pk, "delivery_id": endpoint.deliveries.get().pk}


copied_rows = once_a_module(lambda clinic: rows_of(clinic, care_group_id=clinic.group.pk))


@pytest.fixture
def rows(clinic, copied_rows) -> dict[str, int]:
    return copied_rows()


def test_every_page_has_its_readers_and_writers_in_the_policy():
    found: dict[tuple, set[str]] = defaultdict(set)
    for page in REGISTRY:
        found[page.view_class.readers, page.view_class.writers].add(page.name)
    assert found == {roles: set(names.split()) for roles, names in ADMIN_PAGES.items()}


def test_every_argument_of_an_address_has_a_value(rows):
    assert rows.keys() == set(ROWS)
    assert {name for page in REGISTRY for name in arguments_of(page)} == {*WORDS, *ROWS}


@by_page
def test_a_page_asks_who_is_there(rows, page):
    assert Client().get(address(page, rows)).headers["Location"].startswith("/admin/login/")


@by_page
def test_a_page_opens_for_those_whose_work_it_is(clinic, rows, page):
    """A caregiver of the group meets no failure; what a page cannot do with these words is 404 or 405."""
    answer = sign_in(clinic.users[Role.HC_PRIMARY]).get(address(page, rows))
    reads = Role.HC_PRIMARY in page.view_class.readers
    assert answer.status_code in ((200, 204, 400, 404, 405) if reads else (403,))


@by_page_about_rows
def test_a_row_out_of_sight_is_an_unknown_one(clinic, foreign, page):
    """The same answer, whether a row is another organization's, another group's or nobody's; and nothing of it is shown.

    What caregivers do not read is about rows of the whole organization: an administrator asks, who sees all groups.
    """
    is_for_caregivers = Role.HC_PRIMARY in page.view_class.readers
    hidden = [rows_of(foreign), dict.fromkeys(ROWS, NOBODY)]
    if is_for_caregivers:
        hidden.append(rows_of(clinic, care_group_id=clinic.other_group.pk))
    client = sign_in(clinic.users[Role.HC_PRIMARY if is_for_caregivers else Role.HC_ADMIN])
    for method, rows in [*((client.get, rows) for rows in hidden), (client.post, hidden[0])]:
        answer = method(address(page, rows))
        assert answer.status_code in (404, 405)
        assert ELM_STREET not in answer.content.decode()


@by_page
def test_who_may_only_read_sends_nothing(clinic, rows, page):
    before = Patient.objects.filter(pk=rows["patient_id"]).values().get()
    answer = sign_in(clinic.users[Role.HC_VIEW_ALL]).post(address(page, rows))
    assert answer.status_code in (403, 404, 405)
    assert Patient.objects.filter(pk=rows["patient_id"]).values().get() == before


@by_page
def test_words_that_mean_nothing_are_no_failure(clinic, rows, page):
    client = sign_in(clinic.users[Role.HC_ADMIN])
    nonsense = address(page, rows, **dict.fromkeys(WORDS, "nonsense"))
    assert client.get(nonsense).status_code < 500
    assert client.post(nonsense, {"base_version": "x", "patient": "1_0", "starts_at": "?"}).status_code < 500
    assert client.get(address(page, rows), {"patient": "x", "q": "\\", "date": "2026-02-30", "page": "x"}).status_code < 500


@pytest.mark.parametrize("event", EVENTS)
def test_an_archived_chart_can_be_read_and_only_restored(clinic, event):
    patient = archive(clinic.patient())
    client = sign_in(clinic.users[Role.HC_ADMIN])
    assert client.get(f"/admin/patients/patient/{patient.pk}/").status_code == 200
    answer = client.get(f"/admin/patients/patient/{patient.pk}/life-cycle/{event}/")
    assert answer.status_code == (200 if event == "restore" else 404)

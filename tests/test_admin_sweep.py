"""Every page of the admin, by an administrator and by a caregiver, beside a neighbour that must never show."""

import inspect
import re

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignKey
from django.urls import reverse

from accounts.admin.base import ScopedAdmin, ScopedInline
from accounts.admin.filters import ArchivedFilter
from accounts.models import ApiKey, AuditEvent, CareGroup, Organization, Role, User
from accounts.scope import scope
from accounts.services.catalogs import archive_catalog_row
from patients.models import (
    Location,
    Patient,
    PatientIdentifier,
    Protocol,
    Provider,
)
from tests.factories import SYSTEM
from tests.furnished import EXAMPLES, MINIMUM, MODELS, unlike
from tests.pages import form_values, sign_in, submit, url
from tests.shared import ELM_STREET
from tests.sweeps import swept

CANARY = ELM_STREET
STAFF = [Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.HC_PRIMARY]
UNLIKE = unlike(MODELS)
by_role = pytest.mark.parametrize("role", STAFF)
by_model = swept("model", MODELS, EXAMPLES, ids=lambda model: model.__name__)
# Everything by the role that sees everything, and pages with the same rules once by the others.
ROLES_AND_MODELS = [
    pytest.param(role, model, id=f"{model.__name__}-{role}")
    for role in STAFF
    for model in (MODELS if role == Role.HC_ADMIN else UNLIKE)
]


# What `str(row)` is for the logs. People see names.
NAMED = "|".join(sorted({str(model._meta.verbose_name).capitalize() for model in apps.get_models()}))
SCRAP = re.compile(rf"\b(?:{NAMED}) [0-9a-f]{{8}}\b")


def assert_no_canary(response, foreign) -> None:
    content = response.content.decode()
    assert not SCRAP.search(content), SCRAP.search(content)
    for mark in (CANARY, foreign.organization.slug, str(foreign.organization.uuid)):
        assert mark not in content, mark


def pages_of(model, own, role):
    """Yield the addresses of the pages of `model`, those of the clinic's own row included.

    All of them by the role that has all, by the others those on which their own scope shows rows. What the address asks
    for besides is answered by the same code for all models of a set: one of each is asked.
    """
    listed, row = url(model, "changelist"), own.rows[model]
    yield from (listed, url(model, "change", row.pk), url(model, "history", row.pk))
    if role != Role.HC_ADMIN:
        return
    yield url(model, "add")
    if model not in UNLIKE:
        return
    yield f"{url(model, 'add')}?_popup=1"
    if admin.site._registry[model].search_fields:
        yield from (f"{listed}?q=Elm", f"{listed}?q={row.pk}")
    if ArchivedFilter in admin.site._registry[model].list_filter:
        yield f"{listed}?record=archived"


def test_the_sweep_knows_every_registered_model():
    registered = {model for model in admin.site._registry}
    assert registered == set(MODELS)


def test_every_admin_and_inline_stands_on_the_scoped_base():
    for found in admin.site._registry.values():
        assert isinstance(found, ScopedAdmin)
        assert found.view_on_site is False
        assert all(issubclass(inline, ScopedInline) for inline in found.inlines)


def test_pages_with_code_of_their_own_are_asked_by_every_role():
    own = {model for model, found in admin.site._registry.items() if any(map(inspect.isroutine, vars(type(found)).values()))}
    assert {Patient, User, Protocol} <= own <= set(UNLIKE)


@swept(("role", "model"), ROLES_AND_MODELS, EXAMPLES)
def test_no_page_shows_a_word_of_the_neighbour(own, foreign, role, model):
    client = sign_in(own.users[role])
    allowed = 0
    for address in pages_of(model, own, role):
        response = client.get(address)
        assert response.status_code in (200, 302, 403), (address, response.status_code)
        allowed += response.status_code == 200
        assert_no_canary(response, foreign)
    assert allowed or role not in admin.site._registry[model].readers


@swept(("role", "model"), ROLES_AND_MODELS, [Role.HC_ADMIN, *EXAMPLES])
def test_a_foreign_object_is_answered_like_an_unknown_one(own, foreign, role, model):
    client = sign_in(own.users[role])
    for page in ("change", "history", "delete"):
        seen = client.get(url(model, page, foreign.rows[model].pk))
        unknown = client.get(url(model, page, 987654321))
        assert seen.status_code == unknown.status_code != 200, page
        assert seen.headers.get("Location") == unknown.headers.get("Location"), page
        assert client.post(url(model, page, foreign.rows[model].pk), {"name": "x"}).status_code in (302, 403), page


@by_model
def test_nothing_can_be_deleted(own, model):
    client = sign_in(own.users[Role.HC_ADMIN])
    row = own.rows[model]
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    client.post(url(model, "changelist"), {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
    assert model.objects.filter(pk=row.pk).exists()


def test_no_redirect_tells_whether_an_object_exists(own, foreign):
    client = sign_in(own.users[Role.HC_ADMIN])
    kind = ContentType.objects.get_for_model(Patient)
    assert client.get(f"/admin/r/{kind.pk}/{foreign.rows[Patient].pk}/").status_code == 404
    assert client.get(f"/admin/r/{kind.pk}/{own.rows[Patient].pk}/").status_code == 404


def references() -> list:
    """Return (model, field) for every reference that a form of the admin offers."""
    return [
        pytest.param(model, field, id=f"{model.__name__}.{field.name}")
        for model, found in admin.site._registry.items()
        for field in model._meta.concrete_fields
        if isinstance(field, ForeignKey) and f"'{field.name}'" in str(found.fieldsets)
    ]


@by_role
@swept(("model", "field"), references(), [Patient])
def test_autocomplete_suggests_no_foreign_row(own, foreign, role, model, field):
    query = {"app_label": model._meta.app_label, "model_name": model._meta.model_name, "field_name": field.name}
    response = sign_in(own.users[role]).get(reverse("admin:autocomplete"), {**query, "term": ""})
    assert response.status_code in (200, 403, 404)
    assert_no_canary(response, foreign)


def test_autocomplete_suggests_own_rows_and_no_archived_one(own):
    client = sign_in(own.users[Role.HC_ADMIN])
    query = {"app_label": "patients", "model_name": "patient", "field_name": "primary_provider", "term": "Hill"}
    address = reverse("admin:autocomplete")
    assert [found["text"] for found in client.get(address, query).json()["results"]] == ["Hill Valley provider"]
    archive_catalog_row(actor=SYSTEM, row=own.catalogs["provider"], base_version=1)
    assert client.get(address, query).json()["results"] == []


REFERENCING = list(dict.fromkeys(parameter.values[0] for parameter in references()))


@swept("model", REFERENCING, [Patient], ids=lambda model: model.__name__)
def test_a_foreign_key_of_the_neighbour_is_refused(own, foreign, model):
    """All keys of a form at once: each that the form takes is an error of its own."""
    client = sign_in(own.users[Role.HC_ADMIN])
    fields = [parameter.values[1] for parameter in references() if parameter.values[0] is model]
    targets = {field.name: str(foreign.rows[field.remote_field.model].pk) for field in fields}
    before = list(model.objects.order_by("pk").values("pk", *targets))
    for pk in (None, own.rows[model].pk):
        page = client.get(url(model, "change", pk) if pk else url(model, "add"))
        if page.status_code != 200:
            continue
        values = form_values(page.content.decode(), f"{model._meta.model_name}_form")
        answer = client.post(page.request["PATH_INFO"], {**values, **MINIMUM.get(model, {}), **targets})
        assert_no_canary(answer, foreign)
        if pk is None or answer.status_code == 200:
            form = answer.context["adminform"].form
            assert targets.keys() & form.fields.keys() <= form.errors.keys()
            assert targets.keys() <= form.fields.keys() or pk
    assert list(model.objects.order_by("pk").values("pk", *targets)) == before


@pytest.mark.parametrize("lookup", ["password__startswith", "email_key__startswith", "organization__slug", "api_keys__key_id"])
def test_a_column_without_a_filter_cannot_be_guessed_through_the_address(own, lookup):
    response = sign_in(own.users[Role.HC_ADMIN]).get(url(User, "changelist"), {lookup: "a"})
    assert response.status_code == 400


@by_model
def test_a_filter_offers_rows_of_the_scope_only(own, foreign, model):
    found = admin.site._registry[model]
    for entry in found.list_filter:
        if not isinstance(entry, tuple) or not model._meta.get_field(entry[0]).is_relation:
            continue
        target = foreign.rows[model._meta.get_field(entry[0]).remote_field.model]
        response = sign_in(own.users[Role.HC_ADMIN]).get(url(model, "changelist"), {f"{entry[0]}__id__exact": target.pk})
        assert response.status_code == 200
        assert response.context["cl"].result_count == 0
        assert_no_canary(response, foreign)


def test_a_superadmin_cannot_tie_rows_of_two_organizations(own, foreign):
    client = sign_in(own.users[Role.FC_ADMIN])
    patient = own.rows[Patient]
    answer = submit(client, Patient, patient.pk, primary_provider=foreign.catalogs["provider"].pk)
    assert "This belongs to another organization." in answer.content.decode()
    patient.refresh_from_db()
    assert patient.primary_provider == own.catalogs["provider"]


def test_patients_and_people_who_left_cannot_enter(own):
    assert sign_in(own.users[Role.PATIENT]).get("/admin/").status_code == 302
    User.objects.filter(pk=own.users[Role.HC_ADMIN].pk).update(status="stopped")
    assert sign_in(own.users[Role.HC_ADMIN]).get("/admin/").status_code == 302


@by_model
def test_a_reader_writes_nothing(own, model):
    client = sign_in(own.users[Role.HC_VIEW_ALL])
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "change", own.rows[model].pk), {}).status_code == 403


@pytest.mark.parametrize("model", [ApiKey, User, Organization])
def test_a_caregiver_does_not_see_how_the_organization_is_run(own, model):
    client = sign_in(own.users[Role.HC_PRIMARY])
    assert client.get(url(model, "changelist")).status_code == 403
    assert url(model, "changelist") not in client.get("/admin/").content.decode()
    assert AuditEvent.objects.filter(outcome="denied", role=Role.HC_PRIMARY).exists()


@pytest.mark.parametrize("model", [Provider, Location, CareGroup])
def test_a_caregiver_reads_catalogs_and_does_not_write_them(own, model):
    client = sign_in(own.users[Role.HC_PRIMARY])
    assert client.get(url(model, "changelist")).status_code == 200
    assert client.get(url(model, "add")).status_code == 403
    assert client.post(url(model, "change", own.rows[model].pk), {"name": "x"}).status_code == 403


def test_a_caregiver_sees_patients_of_their_groups_only(own):
    other = own.patient(last_name="Elsewhere", care_group_id=own.other_group.pk)
    client = sign_in(own.users[Role.HC_PRIMARY])
    assert "Elsewhere" not in client.get(url(Patient, "changelist")).content.decode()
    assert client.get(url(Patient, "change", other.pk)).status_code == 302


def test_the_sweep_has_a_row_for_everything_in_scope(own):
    actor_rows = {model: model.objects.filter(pk=row.pk) for model, row in own.rows.items()}
    assert all(rows.exists() for rows in actor_rows.values())
    assert scope(SYSTEM, PatientIdentifier.objects.all()).exists()

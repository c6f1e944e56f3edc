"""What a form of the admin is sent: values that no field can read, and values that are taken where the caller cannot see it."""

import re
from collections import ChainMap
from urllib.parse import urlencode

import pytest
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import BooleanField, Field, Model, UniqueConstraint
from django.db.models import JSONField as JSONColumn
from django.forms import DecimalField, FloatField, IntegerField, JSONField, ModelChoiceField, ModelMultipleChoiceField
from django.test import Client, RequestFactory

from accounts.admin import taken
from accounts.admin.taken import TAKEN, TOO_MANY
from accounts.models import Organization, Role, User
from patients.models import Patient, Provider
from tests.bad_values import as_inputs, bad_values
from tests.factories import Clinic
from tests.furnished import MINIMUM, MODELS, unlike
from tests.pages import form_values, sign_in, submit, url
from tests.sweeps import swept
from tests.test_import_law import modules

TOO_BIG = str(2**70)
VALUES = [TOO_BIG, "9" * 5_000 + "\0", "9999-12-31"]
WRITABLE = [model for model in MODELS if (found := admin.site._registry[model]).creators or found.writers]
# Of forms with the same rules and kinds of fields, one.
by_form = swept("model", unlike(WRITABLE, inputs=True), [Provider], ids=lambda model: model.__name__)


def forms_of(client: Client, model: type[Model], own: Clinic) -> dict[str, dict]:
    """Return what a browser would send of each form of `model`, filled in, by the address of the form."""
    filled = {}
    for address, given in ((url(model, "add"), MINIMUM.get(model, {})), (url(model, "change", own.rows[model].pk), {})):
        page = client.get(address)
        if page.status_code == 200:
            read = form_values(page.content.decode(), f"{model._meta.model_name}_form")
            fields = dict.fromkeys(page.context["adminform"].form.fields, "")
            filled[address] = {**fields, **read, **given}
    return {address: values for address, values in filled.items() if values}


def send(client: Client, address: str, values: dict):
    """Send a form as a browser does: in parts, as the test client sends it, a large one is refused unread."""
    return client.post(address, urlencode(values, doseq=True), content_type="application/x-www-form-urlencoded")


def errors_of(answer) -> set[str]:
    return set(answer.context["adminform"].form.errors) if answer.status_code == 200 else set()


@by_form
def test_no_value_of_a_form_is_an_error_of_the_server(own, model):
    """Each value in all inputs at once, and then in those alone that have taken it, so that it reaches the service."""
    client = sign_in(own.users[Role.FC_ADMIN if model is Organization else Role.HC_ADMIN])
    client.raise_request_exception = False
    forms = forms_of(client, model, own)
    assert forms
    for value in VALUES:
        address, filled = list(forms.items())[-1]
        answers = [send(client, address, dict.fromkeys(filled, value))]
        refused = errors_of(answers[0])
        kept = [name for name in filled if name not in refused and name.rpartition("_")[0] not in refused]
        answers += [send(client, address, filled | dict.fromkeys(kept, value)) for address, filled in forms.items() if kept]
        assert [answer.exc_info for answer in answers if answer.status_code not in (200, 302, 403)] == [], value[:20]


def columns_in(model: type[Model], filled: dict) -> list[Field]:
    """Return the columns of `model` that a form shows as inputs of their own, but for boxes to tick and lists of objects."""
    columns = [column for column in model._meta.concrete_fields if column.name in filled]
    return [column for column in columns if not isinstance(column, BooleanField | JSONColumn)]


# The form of a patient is a door of test_bad_values_at_every_door.py.
OTHERS = unlike([model for model in WRITABLE if model is not Patient], inputs=True)


@swept("model", OTHERS, [Provider], ids=lambda model: model.__name__)
def test_every_field_of_a_form_is_named_for_a_bad_value(own, model):
    client = sign_in(own.users[Role.FC_ADMIN if model is Organization else Role.HC_ADMIN])
    for address, filled in forms_of(client, model, own).items():
        bad = {column: bad_values(column, as_json=False) for column in columns_in(model, filled)}
        for turn in range(max(map(len, bad.values()), default=0)):
            typed = [as_inputs(column, values[turn % len(values)]) for column, values in bad.items()]
            answer = send(client, address, dict(ChainMap(*typed, filled)))
            assert {column.name for column in bad} - errors_of(answer) == set(), (address, turn)


NUMBERS = (IntegerField, DecimalField, FloatField, ModelChoiceField)


def test_a_number_is_written_as_people_write_it(own):
    """Python also reads 1_0 as 10: as a number, and as the id of a row."""
    request, seen = RequestFactory().get("/admin/"), set()
    request.user = own.users[Role.FC_ADMIN]
    for model in WRITABLE:
        found = admin.site._registry[model]
        form = found.get_form(request, own.rows[model] if found.writers else None)
        for field in form.base_fields.values():
            if isinstance(field, NUMBERS):
                row = field.queryset.first() if isinstance(field, ModelChoiceField) else None
                seen.add(type(field).__name__)
                value = f"0_{row.pk if row else 5}"
                with pytest.raises(ValidationError):
                    field.clean([value] if isinstance(field, ModelMultipleChoiceField) else value)
    assert {"WholeNumberField", "DecimalNumberField", "RowField", "RowsField"} <= seen


def test_no_form_of_the_admin_has_djangos_own_fields_for_numbers_and_rows():
    own = re.compile(r"\bforms\.(Integer|Decimal|Float|ModelChoice|ModelMultipleChoice)Field\b")
    admins = {name: path.read_text(encoding="utf-8") for name, path in modules().items() if ".admin" in name}
    assert {name for name, text in admins.items() if own.search(text)} == {"accounts.admin.forms"}


def test_no_form_has_json_to_type(own):
    """Python reads NaN, and halves of surrogate pairs, as JSON, which no database stores: what is a list has rows."""
    request = RequestFactory().get("/admin/")
    request.user = own.users[Role.FC_ADMIN]
    for model in WRITABLE:
        found = admin.site._registry[model]
        form = found.get_form(request, own.rows[model] if found.writers else None)
        assert [name for name, field in form.base_fields.items() if isinstance(field, JSONField)] == [], model


# --- values taken in another organization ---------------------------------------------------------
def unique_everywhere(model: type[Model]) -> set[str]:
    """Return the columns of `model` that no two organizations may share a value of."""
    together = [
        [field.name for field in model._meta.concrete_fields if any(field.name == name for name in constraint.fields)]
        for constraint in model._meta.constraints
        if isinstance(constraint, UniqueConstraint)
    ]
    alone = {columns[0] for columns in together if len(columns) == 1}
    return alone | {field.name for field in model._meta.concrete_fields if field.unique and not field.primary_key}


# Columns that a form sets without showing them, by what it shows.
DERIVED = {(User, "email_key"): "email"}
ENTERED = [
    pytest.param(role, model, column, id=f"{model.__name__}.{column}-{role}")
    for model in WRITABLE
    for role in sorted(admin.site._registry[model].creators & {Role.HC_ADMIN, Role.FC_ADMIN})
    for column in sorted(unique_everywhere(model))
    if (model, column) in DERIVED
    or (model._meta.get_field(column).editable and f"'{column}'" in str(admin.site._registry[model].fieldsets))
]


def test_the_walk_finds_the_columns_that_are_unique_across_organizations():
    found = {(parameter.values[1], parameter.values[2]) for parameter in ENTERED}
    assert found == {(Organization, "slug"), (User, "email"), (User, "email_key")}


@pytest.mark.parametrize(("role", "model", "column"), ENTERED)
def test_a_value_taken_in_another_organization_is_refused_in_neutral_words(own, foreign, role, model, column):
    client, entered = sign_in(own.users[role]), DERIVED.get((model, column), column)
    value = getattr(foreign.rows[model], entered)
    answer = submit(client, model, own.rows[model].pk, **{entered: value.upper() if entered != column else value})
    assert answer.status_code == 200
    assert answer.context["adminform"].form.errors == {entered: [TAKEN]}
    assert "already exists" not in answer.content.decode()


def test_a_new_row_with_a_taken_value_is_refused_in_neutral_words(own, foreign):
    client = sign_in(own.users[Role.HC_ADMIN])
    answer = submit(client, User, **{**MINIMUM[User], "email": foreign.rows[User].email})
    assert answer.context["adminform"].form.errors == {"email": [TAKEN]}


def attempt(client: Client, own: Clinic, email: str) -> dict[str, list[str]]:
    """Return the errors of an attempt to give a user of the clinic another e-mail address."""
    answer = submit(client, User, own.users[Role.HC_PRIMARY].pk, email=email)
    return {} if answer.status_code == 302 else answer.context["adminform"].form.errors


@pytest.fixture
def limit(monkeypatch) -> int:
    monkeypatch.setattr(taken, "TAKEN_PER_MINUTE", 3)
    return 3


def test_who_enters_many_taken_values_must_wait(own, foreign, limit):
    client, email = sign_in(own.users[Role.HC_ADMIN]), foreign.rows[User].email
    assert [attempt(client, own, email) for _ in range(limit)] == [{"email": [TAKEN]}] * limit
    # From here on a taken value and a free one are answered alike.
    assert attempt(client, own, email) == attempt(client, own, "free@example.org") == {"__all__": [TOO_MANY]}
    assert not User.objects.filter(email="free@example.org").exists()
    colleague = sign_in(own.users[Role.FC_ADMIN])
    assert attempt(colleague, own, "free@example.org") == {}


def test_other_errors_of_a_form_are_not_counted(own, limit):
    client = sign_in(own.users[Role.HC_ADMIN])
    for _ in range(limit + 1):
        assert attempt(client, own, "no address") == {"email": ["Enter a valid email address."]}
    assert attempt(client, own, "free@example.org") == {}

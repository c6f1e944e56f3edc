"""What the address of an admin page may say: the parameters that a filter declares, and nothing that ends in a 500."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.options import IncorrectLookupParameters
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.db import OperationalError, connection
from django.db.models import Model
from django.db.models.query_utils import RegisterLookupMixin
from django.http import QueryDict
from django.test import RequestFactory
from django.urls import reverse

from accounts.models import Organization, Role, User
from accounts.site import AutocompleteView
from config.core.databases import on_postgres
from patients.models import Location, Patient, Provider
from tests.furnished import EXAMPLES, MODELS, unlike
from tests.pages import sign_in, url
from tests.sweeps import swept

TOO_BIG = str(2**70)
MANY_WORDS = " ".join(["word"] * 1_500)
BAD = ["abc", TOO_BIG, f"-{TOO_BIG}", "-1", "9" * 5_000, "x" * 10_000, "x" * 60_000, MANY_WORDS, '"', "\\", "1.5", "ñ²", "\ufffd"]
# What int() reads besides digits.
BUT_DIGITS = ["0_{}", "+{}", " {}", "{}\n", "\u0661{}"]
# What the admin answers with 400, or by showing the list without parameters.
REFUSALS = (BadRequest, SuspiciousOperation, IncorrectLookupParameters)
# Of lists that filter and search alike, one.
UNLIKE = {str((found.list_filter, found.search_fields, found.actions)): model for model, found in admin.site._registry.items()}
by_list = swept("model", UNLIKE.values(), EXAMPLES, ids=lambda model: model.__name__)
by_form = swept("model", unlike(MODELS, inputs=True), EXAMPLES, ids=lambda model: model.__name__)


@pytest.fixture
def client(own):
    client = sign_in(own.users[Role.HC_ADMIN])
    client.raise_request_exception = False
    return client


def asking(user: User, query: str = "") -> Any:
    """Return a request of `user` with the parameters `query`, for many questions to one ModelAdmin."""
    request = RequestFactory().get("/admin/", query_params=QueryDict(query))
    request.user = user
    return request


def lookups() -> set[str]:
    """Return the name of every lookup and transform that Django or the project registers."""
    fields = [
        field for model in apps.get_models() for field in model._meta.get_fields() if isinstance(field, RegisterLookupMixin)
    ]
    return {name for field in fields for name in field.get_lookups()}


LOOKUPS = sorted(lookups())


def parameters_to_refuse(model: type[Model]) -> Iterator[str]:
    """Yield a parameter for every column and relation of `model`, and every column of a relation, with every lookup."""
    for field in model._meta.get_fields(include_hidden=True):
        columns = (
            field.related_model._meta.concrete_fields if field.is_relation and field.concrete and field.related_model else ()
        )
        for path in (field.name, *(f"{field.name}__{column.name}" for column in columns)):
            yield path
            yield from (f"{path}__{lookup}" for lookup in LOOKUPS)


def declared(model: type[Model], user: User) -> set[str]:
    """Return the parameters that the filters of `model` expect, as they say themselves."""
    changelist = admin.site._registry[model].get_changelist_instance(asking(user))
    return {name for spec in changelist.filter_specs for name in spec.expected_parameters()}


def test_the_walk_sees_the_lookups_of_django_and_of_the_project():
    assert {"regex", "iregex", "range", "in", "contains", "year", "matches", "isnull"} <= set(LOOKUPS)


@swept(
    ("role", "model"),
    [
        *(pytest.param(Role.HC_ADMIN, model, id=f"{model.__name__}-HC_ADMIN") for model in MODELS),
        *(pytest.param(Role.FC_ADMIN, model, id=f"{model.__name__}-FC_ADMIN") for model in unlike(MODELS)),
    ],
    EXAMPLES,
)
def test_a_list_takes_the_parameters_of_its_filters_and_no_others(own, role, model):
    user, found = own.users[role], admin.site._registry[model]
    offered, request = declared(model, user), asking(own.users[role])
    taken = set()
    for name in {*parameters_to_refuse(model), *offered, "_facets", "_changelist_filters", "pk", "pk__in", "unknown"}:
        request.GET = QueryDict(mutable=True)
        request.GET[name] = "1"
        try:
            found.get_changelist_instance(request)
        except BadRequest:
            continue
        taken.add(name)
    assert taken == offered


@by_list
def test_every_filter_takes_what_it_offers(own, client, model):
    for name in sorted(declared(model, own.users[Role.HC_ADMIN])):
        assert client.get(url(model, "changelist"), {name: ""}).status_code == 200, name


@pytest.mark.parametrize(
    ("model", "parameter"),
    [
        (Patient, "status__regex"),
        (Patient, "care_group__id__in"),
        (Patient, "care_group__name__iregex"),
        (Patient, "primary_provider__isnull"),
        (User, "role__range"),
        (User, "role__contains"),
        (User, "status__isnull"),
        (User, "care_groups__id__exact__gt"),
        (Organization, "slug__matches"),
        (Provider, "record__exact"),
    ],
)
def test_a_lookup_that_no_filter_declares_is_a_bad_request(client, model, parameter):
    assert client.get(url(model, "changelist"), {parameter: "("}).status_code == 400


def test_a_parameter_is_given_once(client):
    assert client.get(f"{url(User, 'changelist')}?role__exact=HC_ADMIN&role__exact=PATIENT").status_code == 400


def test_only_a_list_with_a_search_takes_one(own, client):
    for model, found in admin.site._registry.items():
        status = client.get(url(model, "changelist"), {"q": "x"}).status_code
        assert status == (200 if found.search_fields else 400), model


@by_list
def test_no_value_of_a_parameter_is_an_error_of_the_server(own, model):
    user, found = own.users[Role.HC_ADMIN], admin.site._registry[model]
    search = ["q"] if found.search_fields else []
    read = 0
    for name in (*declared(model, user), *search, "o", "p", "e", "all", "_to_field", "_popup"):
        for value in BAD:
            request = asking(user)
            request.GET = QueryDict(mutable=True)
            request.GET.update({name: value})
            try:
                read += len(found.get_changelist_instance(request).result_list) >= 0
            except REFUSALS:
                continue
    assert read


@by_list
def test_a_page_or_an_order_that_cannot_be_read_is_no_error_of_the_server(client, model):
    """Two addresses with everything that a list ignores rather than refuses: what is left is written into the page."""
    for query in ({"p": "9" * 18, "o": "-99.0.98"}, {"p": "0", "e": "x", "all": "x", "_popup": "x"}):
        assert client.get(url(model, "changelist"), query).status_code in (200, 302)
    for bad in ("1..2", "x", "-", ".".join(["1"] * 2_500), "9" * 5_000):
        assert client.get(url(model, "changelist"), {"o": bad}).status_code == 400, bad[:20]
    for bad in ("x", "-1", TOO_BIG, "9" * 5_000, *(form.format(1) for form in BUT_DIGITS)):
        assert client.get(url(model, "changelist"), {"p": bad}).status_code == 400, bad[:20]


class Links(HTMLParser):
    """Collects where a list leads: the addresses of its links, and what its forms send."""

    def __init__(self) -> None:
        super().__init__()
        self.queries: list[str] = []
        self.inputs: dict[str, str] = {}
        self.is_sent_in_address = False

    def handle_starttag(self, tag: str, attrs: list) -> None:
        given = dict(attrs)
        if tag == "a" and (given.get("href") or "").startswith("?"):
            self.queries.append(given["href"])
        elif tag == "form":
            self.inputs, self.is_sent_in_address = {}, given.get("method", "get").lower() == "get"
        elif tag in ("input", "select") and given.get("name"):
            self.inputs[given["name"]] = given.get("value") or ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "form" and self.is_sent_in_address:
            self.queries.append(f"?{urlencode(self.inputs)}")


@by_list
def test_a_list_leads_to_nothing_that_it_refuses(own, client, model):
    """The links and forms of a list that is filtered, searched and ordered."""
    filters = dict.fromkeys(declared(model, own.users[Role.HC_ADMIN]), "")
    search = {"q": "x"} if admin.site._registry[model].search_fields else {}
    address, links = url(model, "changelist"), Links()
    links.feed(client.get(address, {**filters, **search, "o": "1.-2"}).content.decode())
    assert len(set(links.queries)) > 1
    for query in sorted(set(links.queries)):
        assert client.get(f"{address}{query}").status_code == 200, query


def test_an_unreadable_value_is_not_blamed_on_the_database(client):
    address = url(Patient, "changelist")
    assert client.get(address, {"location__id__exact": "abc"}).headers["Location"] == f"{address}?e=1"
    assert client.get(address, {"location__id__exact": "abc", "e": "1"}).status_code == 400


@by_list
def test_an_id_in_an_address_that_is_none_is_an_unknown_one(client, model):
    unknown = {page: client.get(url(model, page, 987654321)) for page in ("change", "history", "delete")}
    for page, answer in unknown.items():
        for pk in ("abc", TOO_BIG, "-1", "9" * 5_000, "_00", "%ED%A0%80"):
            address = url(model, page, 987654321).replace("987654321", pk)
            assert client.get(address).status_code == answer.status_code, (page, pk[:20])


@by_list
def test_an_action_on_what_is_no_id_is_a_bad_request(client, model):
    for action in admin.site._registry[model].actions:
        for pk in ("abc", TOO_BIG, "\0", "-1", "1,2", ""):
            for more in ({}, {"index": "0"}, {"index": TOO_BIG, "select_across": "x"}):
                sent = client.post(url(model, "changelist"), {"action": action, "_selected_action": [pk], **more})
                assert sent.status_code == 400, (action, pk, more)


@by_form
def test_the_address_fills_no_form(client, model):
    """What a field cannot show must not reach it: an id that is none, a text where it wants a date."""
    query = {field.name: "abc" for field in model._meta.get_fields()} | {"base_version": "x", "groups": "x", "password": "x"}
    answer = client.get(url(model, "add"), {**query, "_popup": "x", "_changelist_filters": "a=b&c"})
    assert answer.status_code in (200, 403)
    assert answer.status_code == 403 or {"abc", "x"}.isdisjoint(answer.context["adminform"].form.initial.values())


@by_list
def test_a_number_in_an_address_is_written_in_digits(client, own, model):
    form = BUT_DIGITS[0]
    pk = form.format(own.rows[model].pk)
    for page in ("change", "history"):
        address = url(model, page, 987654321)
        assert client.get(address.replace("987654321", quote(pk))).status_code == client.get(address).status_code, page
    for name in declared(model, own.users[Role.HC_ADMIN]):
        if name.endswith("__id__exact"):
            assert client.get(url(model, "changelist"), {name: pk, "e": "1"}).status_code == 400, name
    number = form.format(1)
    assert client.get(url(model, "changelist"), {"p": number}).status_code == 400
    assert client.get(url(model, "history", own.rows[model].pk), {"p": number}).status_code == 400
    for action in admin.site._registry[model].actions:
        for sent in ({"_selected_action": [pk]}, {"_selected_action": ["1"], "index": form.format(1)}):
            assert client.post(url(model, "changelist"), {"action": action, **sent}).status_code == 400


@pytest.mark.parametrize("form", BUT_DIGITS)
def test_a_page_of_suggestions_is_written_in_digits(client, form):
    address = reverse("admin:autocomplete")
    assert client.get(address, {**ASKED, "term": "a", "page": "1"}).status_code == 200
    assert client.get(address, {**ASKED, "term": "a", "page": form.format(1)}).status_code == 400


@by_list
def test_a_field_that_no_row_is_named_by_is_a_bad_request(client, own, model):
    for page in (url(model, "changelist"), url(model, "change", own.rows[model].pk)):
        for field in ("password", "unknown", "id__gt"):
            assert client.get(page, {"_to_field": field}).status_code == 400, (page, field)


def test_nothing_is_suggested_for_a_field_that_no_form_completes(own):
    view = AutocompleteView(admin_site=admin.site)
    suggested = set()
    for model in apps.get_models(include_auto_created=True):
        label, name = model._meta.app_label, model._meta.model_name
        for field in model._meta.get_fields(include_hidden=True):
            request = asking(own.users[Role.HC_ADMIN], f"app_label={label}&model_name={name}&field_name={field.name}")
            try:
                view.process_request(request)
            except PermissionDenied:
                continue
            suggested.add((model, field.name))
    assert suggested == {(model, name) for model, found in admin.site._registry.items() for name in found.autocomplete_fields}


ASKED = {"app_label": "patients", "model_name": "patient", "field_name": "location"}


@pytest.mark.parametrize(
    "query",
    [
        *({name: value for name, value in ASKED.items() if name != missing} for missing in ASKED),
        *({**ASKED, name: "unknown"} for name in ASKED),
        *({**ASKED, name: value} for name in ("term", "page") for value in BAD),
    ],
    ids=lambda query: str(query)[-60:],
)
def test_no_parameter_of_suggestions_is_an_error_of_the_server(client, query):
    assert client.get(reverse("admin:autocomplete"), query).status_code in (200, 400, 403, 404)


@pytest.mark.parametrize("page", ["search", "find"])
@pytest.mark.parametrize("query", [{"q": value} for value in (*BAD, MANY_WORDS, "x" * 201)] + [{"for": TOO_BIG}])
def test_no_parameter_of_a_search_for_people_is_an_error_of_the_server(client, page, query):
    assert client.get(reverse(f"admin:{page}"), query).status_code in (200, 400)


def test_a_nul_in_an_address_is_a_bad_request(client, own):
    for address in (
        "/admin/?x=%00",
        "/admin/?%00=x",
        "/admin/%00/",
        "/admin/login/?next=%00",
        f"{url(Patient, 'changelist')}?status=%00",
        f"{url(Location, 'changelist')}?q=a%00b",
        f"{url(Location, 'add')}?name=x&_changelist_filters=%00",
        f"{reverse('admin:autocomplete')}?term=%00",
    ):
        assert client.get(address).status_code == 400, address
    client.cookies["sessionid"] = "a" * 20 + "\0"
    assert client.get("/admin/").status_code == 400


def test_a_half_of_a_surrogate_pair_in_an_address_is_no_error_of_the_server(client):
    assert client.get(f"{url(Location, 'changelist')}?q=%ED%A0%80").status_code == 200


def test_a_search_takes_its_first_eight_words(own, client):
    words = "Hill Valley location Hill Valley location Hill Valley"
    for text, found in (
        (f"{words} missing", 1),
        (f"missing {words}", 0),
        ('"Hill Valley" location', 1),
        ('"Valley Hill" location', 0),
    ):
        assert client.get(url(Location, "changelist"), {"q": text}).context["cl"].result_count == found, text


@pytest.mark.skipif(on_postgres(), reason="PostgreSQL has an engine of its own, and a statement_timeout")
def test_no_query_can_run_a_regular_expression_of_python(db):
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT 'a' REGEXP 'a'")

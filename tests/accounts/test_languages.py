"""The language of pages: of the account, of the browser before signing in, and never that of a neighbour or of an API."""

import datetime
import re

import pytest
from django.core.exceptions import ValidationError
from django.test import Client
from django.utils.translation import override

from accounts.admin.fields import DayInput
from accounts.admin.forms import DecimalNumberField, FloatNumberField
from accounts.models import ApiKey, AuditEvent, CareGroup, Organization, Role, User
from accounts.templatetags.clinic import day, moment
from config.core.orm import word_for
from config.core.written_dates import read_day, read_day_near, written_day
from patients.models import Patient
from tests.pages import sign_in, submit, url

LOGIN = "/admin/login/"


def dutch(user: User) -> Client:
    User.objects.filter(pk=user.pk).update(language="nl")
    return sign_in(User.objects.get(pk=user.pk))


def text(response) -> str:
    return response.content.decode()


def test_a_page_is_in_the_language_of_the_account(clinic):
    page = dutch(clinic.users[Role.HC_ADMIN]).get(url(Organization, "changelist"))
    assert '<html lang="nl"' in text(page)
    assert page["Content-Language"] == "nl"
    assert "Uitloggen" in text(page)
    assert "Sign out" not in text(page)
    shown = set(re.findall(r'<button[^>]* lang="(\w\w)" aria-pressed="(\w+)">(\w+)<', text(page)))
    assert {("en", "false", "English"), ("nl", "true", "Nederlands")} <= shown


def test_errors_of_forms_refusals_and_messages_follow(clinic):
    client = dutch(clinic.users[Role.HC_ADMIN])
    assert "Dit is geen IANA-tijdzone." in text(submit(client, Organization, clinic.organization.pk, timezone="Mars/Base"))
    assert "Deze pagina is er niet" in text(client.get("/admin/nothing/"))
    saved = submit(client, Organization, clinic.organization.pk, name="Hill", _continue="1")
    assert "is met succes gewijzigd" in text(client.get(saved["Location"]))


def test_an_error_of_a_service_follows(clinic):
    answer = submit(dutch(clinic.users[Role.HC_ADMIN]), Organization, clinic.organization.pk, name="\u200b")
    assert "Dit veld" in text(answer)


def test_the_next_request_of_the_same_thread_has_a_language_of_its_own(clinic, api):
    assert 'lang="nl"' in text(dutch(clinic.users[Role.HC_ADMIN]).get("/admin/"))
    assert 'lang="en"' in text(sign_in(clinic.users[Role.HC_PRIMARY]).get("/admin/"))
    missing = api(Role.HC_ADMIN).get(f"/api/v1/{clinic.organization.uuid}/patients/00000000-0000-0000-0000-000000000000")
    assert missing.json() == {"detail": "Patient not found"}


def test_an_api_speaks_english_whatever_is_asked(clinic, api):
    dutch(clinic.users[Role.HC_ADMIN])
    path = f"/api/v1/{clinic.organization.uuid}/patients/00000000-0000-0000-0000-000000000000"
    answer = api(Role.HC_ADMIN).get(path, headers={"Accept-Language": "nl"})
    assert answer.json() == {"detail": "Patient not found"}
    assert "Content-Language" not in answer
    assert Client().get("/docs/", headers={"Accept-Language": "nl"}).status_code == 200
    refused = Client().get("/fhir", headers={"Accept-Language": "nl", "Accept": "application/json"})
    assert refused.json() == {"detail": "There is no such page, or you may not see it."}


@pytest.mark.parametrize(
    ("asked", "language"),
    [("nl", "nl"), ("nl-BE, en;q=0.5", "nl"), ("is", "en"), ("", "en"), ("nl" * 500, "en"), ("\u00e9", "en")],
)
@pytest.mark.django_db
def test_before_signing_in_the_browser_says_the_language(asked, language):
    page = Client().get(LOGIN, headers={"Accept-Language": asked})
    assert (page["Content-Language"], f'<html lang="{language}"' in text(page)) == (language, True)
    assert {"Accept-Language", "Cookie"} <= {name.strip() for name in page["Vary"].split(",")}


@pytest.mark.django_db
def test_before_signing_in_somebody_chooses_another_language_for_this_browser():
    client = Client()
    answer = client.post("/admin/language/", {"language": "nl", "next": f"{LOGIN}?next=/admin/"})
    assert (answer.status_code, answer["Location"]) == (302, f"{LOGIN}?next=/admin/")
    assert "Inloggen" in text(client.get(LOGIN, headers={"Accept-Language": "en"}))


def test_who_is_signed_in_chooses_the_language_of_the_account(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    client, events = sign_in(user), AuditEvent.objects.filter(action="user.update", user_id=user.pk)
    answer = client.post("/admin/language/", {"language": "nl", "next": url(Patient, "changelist")})
    assert answer["Location"] == url(Patient, "changelist")
    assert 'lang="nl"' in text(client.get(answer["Location"]))
    event = events.get()
    assert (event.subject_id, event.changed_fields) == (user.pk, "language")
    client.post("/admin/language/", {"language": "nl"})
    assert events.count() == 1


@pytest.mark.parametrize("address", ["https://elsewhere.example/admin/", "//elsewhere.example", "/docs/", "", "javascript:1"])
def test_the_choice_leads_to_no_page_but_ours(clinic, address):
    client = sign_in(clinic.users[Role.HC_PRIMARY])
    assert client.post("/admin/language/", {"language": "nl", "next": address})["Location"] == "/admin/"


@pytest.mark.parametrize("language", ["", "is", "en-US", "nl\0", "../nl"])
def test_a_language_that_pages_do_not_have_is_refused(clinic, language):
    client = sign_in(clinic.users[Role.HC_PRIMARY])
    assert client.post("/admin/language/", {"language": language}).status_code == 400
    assert User.objects.get(pk=clinic.users[Role.HC_PRIMARY].pk).language == "en"


def test_a_language_is_not_chosen_by_a_link_or_by_another_site(clinic):
    client = Client(enforce_csrf_checks=True)
    client.force_login(clinic.users[Role.HC_PRIMARY], backend="accounts.authentication.StaffBackend")
    assert client.get("/admin/language/", {"language": "nl"}).status_code == 405
    assert client.post("/admin/language/", {"language": "nl"}).status_code == 403


def test_an_account_of_a_language_that_pages_do_not_have_gets_english(clinic):
    user = clinic.users[Role.HC_PRIMARY]
    for language in ("fr", "", "xx_YY"):
        User.objects.filter(pk=user.pk).update(language=language)
        assert sign_in(User.objects.get(pk=user.pk)).get("/admin/")["Content-Language"] == "en"


def test_the_language_of_a_page_changes_no_code_of_the_audit_trail(clinic):
    submit(dutch(clinic.users[Role.HC_ADMIN]), Organization, clinic.organization.pk, name="Hill")
    event = AuditEvent.objects.filter(user_id=clinic.users[Role.HC_ADMIN].pk, action__endswith="update").latest("pk")
    assert (event.action, event.subject) == ("organization.update", "organization")
    with override("nl"):
        assert word_for.__wrapped__(CareGroup) == "care_group"
        assert CareGroup._meta.verbose_name == "zorggroep"


def test_the_palette_finds_a_command_by_the_words_of_the_page(clinic):
    answer = dutch(clinic.users[Role.HC_PRIMARY]).get("/admin/search/", {"q": "uitl"})
    assert "Uitloggen" in text(answer)
    assert "English" in text(sign_in(clinic.users[Role.HC_PRIMARY]).get("/admin/search/", {"q": "engl"}))


@pytest.mark.parametrize("field", [DecimalNumberField(decimal_places=1, max_digits=4), FloatNumberField()])
def test_a_number_is_written_as_in_the_language_of_the_page(field):
    with override("nl"):
        assert [float(field.clean(text)) for text in ("5,6", "5.6", "-0,5", "7")] == [5.6, 5.6, -0.5, 7]
        for text in ("5,6,7", "1.234,5", "5;6", ","):
            with pytest.raises(ValidationError):
                field.clean(text)
    with override("en"), pytest.raises(ValidationError):
        field.clean("5,6")


def test_days_are_written_and_read_as_in_the_language_of_the_page():
    march = datetime.date(2026, 3, 7)
    for language, written in (("en", "7 Mar 2026"), ("nl", "7 mrt 2026")):
        with override(language):
            assert (written_day(march), day(march), read_day(written)) == (written, written, march)
            assert DayInput().format_value(march) == written
    moment_in_may = datetime.datetime(2026, 5, 7, 9, 42, tzinfo=datetime.UTC)
    with override("nl"):
        assert moment(moment_in_may) == "7 mei 2026, 09:42 UTC"
        assert read_day_near("morgen", march) == datetime.date(2026, 3, 8)


def test_a_title_begins_with_a_capital_and_a_key_is_called_so_in_dutch(clinic):
    client, key = dutch(clinic.users[Role.HC_ADMIN]), ApiKey.objects.filter(user__organization=clinic.organization)[0]
    assert '<h1 aria-current="page">Zorggroep toevoegen</h1>' in text(client.get(url(CareGroup, "add")))
    assert f'<h1 aria-current="page">API-sleutel {key.key_id}</h1>' in text(client.get(url(ApiKey, "change", key.pk)))


def test_a_clinic_is_told_from_a_sandbox_in_dutch(clinic):
    page = text(dutch(clinic.users[Role.FC_ADMIN]).get(url(Organization, "changelist")))
    assert "Praktijk" in page

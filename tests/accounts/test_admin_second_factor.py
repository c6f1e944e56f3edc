"""The second factor in the admin: between password and pages, on a person's own page, and for administrators."""

import datetime
import re
from collections.abc import Iterator, Sequence
from html import unescape

import pytest
import segno
from django.contrib import admin
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import URLPattern

from accounts.models import AuditEvent, Organization, Role, SecondFactor, Session, User
from accounts.services.second_factors import enrolment_uri
from accounts.sessions import hash_of
from tests.clock import Clock
from tests.one_time_codes import RFC_SECRET, STEP, code_at, enrolled
from tests.pages import form_values, sign_in, submit, url

PASSWORD = "correct horse battery"
NOON = datetime.datetime(2026, 3, 2, 12, 0, 5, tzinfo=datetime.UTC)
CODE, ENROL, OWN = "/admin/second-factor/code/", "/admin/second-factor/enrol/", "/admin/second-factor/"


@pytest.fixture
def clock(monkeypatch) -> Clock:
    return Clock(monkeypatch, NOON)


@pytest.fixture
def person(clinic) -> User:
    """A nurse with a password."""
    user = clinic.users[Role.HC_PRIMARY]
    user.set_password(PASSWORD)
    user.save()
    return user


@pytest.fixture
def codes(clock, person) -> list[str]:
    """Enrol the person at noon and move on to the next code. Returns the recovery codes."""
    _, codes = enrolled(person, clock.now)
    clock.move(NOON + STEP)
    return codes


def require(clinic) -> None:
    Organization.objects.filter(pk=clinic.organization.pk).update(second_factor_required=True)


def by_password(user: User, address: str = "/admin/") -> Client:
    """Return a client that has given the password of `user`, on the way to `address`."""
    client = Client()
    answer = client.post("/admin/login/", {"username": user.email, "password": PASSWORD, "next": address})
    assert (answer.status_code, answer["Location"]) == (302, address)
    return client


def secret_shown(client: Client) -> str:
    """Return the secret of the enrolment page, as a person would type it."""
    page = client.get(ENROL).content.decode()
    shown = re.search(r'<code id="secret">((?:\w{4} ){7}\w{4})</code>', page)
    assert shown is not None
    return shown[1].replace(" ", "")


def text_of(answer) -> str:
    """Return the words of a page, which has been shown with status 200."""
    assert answer.status_code == 200
    return unescape(re.sub(r"<[^>]+>", " ", answer.content.decode()))


def addresses(patterns: list, prefix: str = "/admin/") -> Iterator[str]:
    """Yield the addresses of all pages of the admin, with 1 for every id and an app where one is named."""
    for pattern in patterns:
        route = prefix + re.sub(r"<[^>]+>", "1", str(pattern.pattern).replace("(?P<url>.*)$", "unknown"))
        if isinstance(pattern, URLPattern):
            yield re.sub(r"\^\(\?P1[\w|]+\)/\$", "accounts/", route)
        else:
            yield from addresses(pattern.url_patterns, route)


# Of these, one that has followed a link asks for the second factor next: test_password_pages.py.
BEFORE_THE_PASSWORD = {
    "/admin/login/",
    *("/admin/password/forgotten/", "/admin/password/forgotten/sent/", "/admin/password/choose/"),
}
# A page may ask what its session lacks; see test_admin_frame.py.
AFTER_THE_PASSWORD = {"/admin/logout/", "/admin/session/", "/admin/language/", CODE, ENROL}
PAGES = sorted({*addresses(admin.site.urls[0])} - BEFORE_THE_PASSWORD - AFTER_THE_PASSWORD)


def test_the_walk_has_found_the_pages():
    assert {"/admin/", "/admin/search/", "/admin/accounts/", "/admin/accounts/user/1/change/", OWN, "/admin/unknown"} <= {*PAGES}
    assert not [address for address in PAGES if re.search(r"[<>()^$?]", address)]


# --- signing in -------------------------------------------------------------------------------------


def assert_nothing_is_open(client: Client, step: str, pages: Sequence[str]) -> None:
    """Assert that each of these pages of the admin, opened or sent, leads to `step`."""
    for address in pages:
        for answer in (client.get(address), client.post(address, {"name": "x"})):
            assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, step), address


def test_without_a_code_no_page_of_the_admin_opens(codes, person):
    assert_nothing_is_open(by_password(person), CODE, PAGES)


@pytest.mark.parametrize("role", [Role.FC_ADMIN, Role.HC_ADMIN])
def test_administrators_without_a_code_are_no_exception(clock, clinic, role):
    enrolled(clinic.users[role], clock.now)
    assert sign_in(clinic.users[role]).get(url(User, "changelist"))["Location"].startswith(CODE)


def test_who_must_have_one_and_has_none_is_led_to_set_it_up_first(clinic, person):
    require(clinic)
    # Which step is missing is told by one function; the walk above has found that every page asks it.
    assert_nothing_is_open(by_password(person), ENROL, PAGES[::8])


def test_without_a_code_nobody_sets_up_another_one(codes, person):
    client = by_password(person)
    for answer in (client.get(ENROL), client.post(ENROL, {"code": "123456"})):
        assert (answer.status_code, answer["Location"]) == (302, CODE)


@pytest.mark.parametrize("address", [CODE, ENROL, OWN])
def test_without_a_password_there_is_no_page_of_the_second_factor(db, address):
    for answer in (Client().get(address), Client().post(address, {"code": "123456"})):
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_a_patient_has_no_page_of_the_second_factor(clinic):
    assert sign_in(clinic.users[Role.PATIENT]).get(ENROL).status_code == 302


def test_a_code_opens_the_page_that_was_asked_for(clock, codes, person):
    asked = "/admin/patients/patient/?q=Ada"
    client = by_password(person, asked)
    page = client.get(client.get(asked)["Location"])
    answer = client.post(
        CODE, {**form_values(page.content.decode(), "second-factor-form"), "code": code_at(RFC_SECRET, clock.now)}
    )
    assert (answer.status_code, answer["Location"]) == (302, asked)
    assert client.get(asked).status_code == 200


def test_a_recovery_code_opens_the_admin_once(codes, person):
    client = by_password(person)
    assert client.post(CODE, {"code": codes[0]})["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    assert "wrong" in text_of(by_password(person).post(CODE, {"code": codes[0]}))


def test_the_way_back_does_not_leave_the_site(codes, person):
    answer = by_password(person).post(CODE, {"code": codes[0], "next": "//evil.example/"})
    assert answer["Location"] == "/admin/"


@pytest.mark.parametrize(("code", "words"), [("000000", "This code is wrong"), ("", "Enter the code."), ("9" * 65, "at most 64")])
def test_a_wrong_code_is_told_in_words_and_opens_nothing(codes, person, code, words):
    client = by_password(person)
    answer = client.post(CODE, {"code": code})
    assert words in text_of(answer)
    assert b"<title> Error: Second factor" in answer.content
    assert_tied_to_its_field(answer.content.decode())
    assert client.get("/admin/").status_code == 302


def assert_tied_to_its_field(page: str) -> None:
    """Assert that label, help and error belong to the field for a screen reader, too."""
    field = re.search(r'<input[^>]+name="code"[^>]*>', page)
    assert field is not None
    assert 'aria-invalid="true"' in field[0]
    assert "autofocus" in field[0]
    described = re.search(r'aria-describedby="([^"]+)"', field[0])
    assert described is not None
    assert all(f'id="{target}"' in page for target in described[1].split())
    assert '<label for="id_code"' in page


def test_after_too_many_failures_the_page_says_how_long_to_wait(clock, codes, person):
    client = by_password(person)
    client.post(CODE, {"code": "000000"})
    assert "Wait 1 second and try again" in text_of(client.post(CODE, {"code": code_at(RFC_SECRET, clock.now)}))


def test_the_session_gets_a_new_key_with_the_code(codes, person):
    client = by_password(person)
    before = client.session.session_key
    client.post(CODE, {"code": codes[0]})
    assert client.session.session_key != before
    assert not Session.objects.filter(session_key=hash_of(before)).exists()


def test_signing_in_again_asks_for_the_code_again(codes, person):
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    before = client.session.session_key
    client.post("/admin/login/", {"username": person.email, "password": PASSWORD, "next": "/admin/"})
    assert client.session.session_key != before
    assert client.get("/admin/")["Location"].startswith(CODE)


def test_who_has_no_code_may_sign_out(codes, person):
    client = by_password(person)
    client.post("/admin/logout/")
    assert client.get(CODE)["Location"].startswith("/admin/login/")


def test_each_sign_in_asks_anew(codes, person):
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    client.post("/admin/logout/")
    client.post("/admin/login/", {"username": person.email, "password": PASSWORD})
    assert client.get("/admin/")["Location"].startswith(CODE)


def test_who_has_none_and_needs_none_signs_in_by_password_alone(person):
    assert by_password(person).get("/admin/").status_code == 200


def test_a_demand_of_the_organization_counts_in_open_sessions(clinic, neighbour, person):
    client, other = by_password(person), sign_in(neighbour.users[Role.HC_PRIMARY])
    require(clinic)
    assert client.get("/admin/")["Location"].startswith(ENROL)
    assert other.get("/admin/").status_code == 200


def test_a_second_factor_closes_sessions_that_did_not_prove_it(clock, person):
    elsewhere = by_password(person)
    enrolled(person, clock.now)
    assert elsewhere.get("/admin/")["Location"].startswith(CODE)


def test_a_new_second_factor_closes_sessions_that_proved_the_one_before(clock, codes, person):
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    SecondFactor.objects.get(user=person).delete()
    enrolled(User.objects.get(pk=person.pk), clock.now)
    assert client.get("/admin/")["Location"].startswith(CODE)


def test_keys_are_not_asked_for_a_code(clinic, codes, api):
    require(clinic)
    assert api(Role.HC_PRIMARY).get(f"{clinic.base}/patients").status_code == 200


# --- setting up -------------------------------------------------------------------------------------


def test_it_is_set_up_by_the_secret_that_the_page_shows(clock, clinic, person):
    require(clinic)
    client = by_password(person)
    answer = client.post(ENROL, {"code": code_at(secret_shown(client), clock.now), "next": "/admin/patients/patient/"})
    recovery = re.findall(r"\b(?:\w{4}-){3}\w{4}\b", answer.content.decode())
    assert len(recovery) == 10
    assert "no-store" in answer["Cache-Control"]
    assert 'href="/admin/patients/patient/"' in answer.content.decode()
    assert client.get("/admin/").status_code == 200
    assert by_password(person).post(CODE, {"code": recovery[0]})["Location"] == "/admin/"


def test_the_qr_code_obeys_the_content_security_policy_and_is_not_stored(person):
    client = by_password(person)
    answer = client.get(ENROL)
    page = answer.content.decode()
    assert re.search(r'<div role="img" aria-label="[^"]+"[^>]*><svg [^>]*viewBox=', page)
    assert "no-store" in answer["Cache-Control"]


def test_the_qr_code_holds_the_secret_that_is_shown_as_text(person):
    client = by_password(person)
    expected = segno.make_qr(enrolment_uri(person, secret_shown(client)), error="m").svg_inline(border=4)
    drawn = re.compile(r'class="qrline"[^>]* d="([^"]+)"')
    assert drawn.findall(client.get(ENROL).content.decode()) == drawn.findall(expected) != []


def test_a_mistyped_code_keeps_the_secret_that_was_scanned(clock, person):
    client = by_password(person)
    secret = secret_shown(client)
    assert "This code is wrong" in text_of(client.post(ENROL, {"code": "000000"}))
    assert secret_shown(client) == secret
    assert "Your second factor is on" in text_of(client.post(ENROL, {"code": code_at(secret, clock.now)}))
    assert AuditEvent.objects.filter(action="second_factor.refused", user_id=person.pk).count() == 1


def test_two_sessions_show_two_secrets(person):
    assert secret_shown(by_password(person)) != secret_shown(by_password(person))


def test_a_secret_is_sealed_in_the_session_and_leaves_it_with_the_first_code(clock, person):
    client = by_password(person)
    secret = secret_shown(client)
    assert secret not in str(dict(client.session.items()))
    client.post(ENROL, {"code": code_at(secret, clock.now)})
    assert "second_factor_begun" not in client.session


def test_recovery_codes_are_shown_once(clock, person):
    client = by_password(person)
    client.post(ENROL, {"code": code_at(secret_shown(client), clock.now)})
    for answer in (client.get(ENROL), client.post(ENROL, {"code": "000000"})):
        assert (answer.status_code, answer["Location"]) == (302, OWN)


# --- one's own page ---------------------------------------------------------------------------------


def test_the_user_menu_leads_to_ones_own_page(person):
    client = by_password(person)
    page = client.get("/admin/").content.decode()
    assert f'href="{OWN}"' in page
    assert 'href="/admin/password_change/"' in page
    assert f'href="{ENROL}"' in client.get(OWN).content.decode()


def test_the_page_says_how_many_recovery_codes_are_left(codes, person):
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    assert "9 recovery codes left" in text_of(client.get(OWN))


def test_removing_asks_for_a_code(clock, codes, person):
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    assert "This code is wrong" in text_of(client.post(OWN, {"code": "000000"}))
    assert SecondFactor.objects.filter(user=person).exists()
    clock.move(clock.now + STEP)
    assert client.post(OWN, {"code": codes[1]})["Location"] == OWN
    assert "You have no second factor" in text_of(client.get(OWN))
    assert client.get("/admin/").status_code == 200


def test_removing_what_is_not_there_leads_home(person):
    assert by_password(person).post(OWN, {"code": "000000"})["Location"] == "/admin/"


def test_who_removes_a_required_one_sets_up_the_next_at_once(clinic, codes, person):
    require(clinic)
    client = by_password(person)
    client.post(CODE, {"code": codes[0]})
    client.post(OWN, {"code": codes[1]})
    assert client.get("/admin/")["Location"].startswith(ENROL)


# --- administrators ---------------------------------------------------------------------------------


@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.FC_ADMIN])
def test_administrators_require_it_in_an_organization(clinic, role):
    client = sign_in(clinic.users[role])
    assert submit(client, Organization, clinic.organization.pk, second_factor_required="on").status_code == 302
    assert Organization.objects.get(pk=clinic.organization.pk).second_factor_required
    event = AuditEvent.objects.get(action="organization.update", subject_id=clinic.organization.pk)
    assert event.changed_fields == "second_factor_required"
    assert client.get("/admin/").status_code == (302 if role == Role.HC_ADMIN else 200)


def test_a_reader_does_not_change_what_is_required(clinic):
    client = sign_in(clinic.users[Role.HC_VIEW_ALL])
    address = url(Organization, "change", clinic.organization.pk)
    assert client.post(address, {"second_factor_required": "on"}).status_code == 403
    assert not Organization.objects.get(pk=clinic.organization.pk).second_factor_required


def reset(client: Client, *users: User) -> list[str]:
    """Choose `users` in the list and reset their second factors. Returns the messages."""
    chosen = {"action": "reset_second_factor", "_selected_action": [user.pk for user in users]}
    return [str(message) for message in get_messages(client.post(url(User, "changelist"), chosen).wsgi_request)]


def test_an_administrator_resets_the_second_factor_of_a_nurse(clinic, codes, person):
    admin_client = sign_in(clinic.users[Role.HC_ADMIN])
    assert reset(admin_client, person) == [f"{person.email} has no second factor any more."]
    assert by_password(person).get("/admin/").status_code == 200
    event = AuditEvent.objects.get(action="second_factor.reset")
    assert (event.user_id, event.subject_id) == (clinic.users[Role.HC_ADMIN].pk, person.pk)
    assert reset(admin_client, person)[-1] == f"{person.email} has no second factor."


def test_a_reset_opens_no_session_that_only_gave_the_password(clinic, codes, person):
    waiting = by_password(person)
    assert waiting.get("/admin/")["Location"].startswith(CODE)
    reset(sign_in(clinic.users[Role.HC_ADMIN]), person)
    assert waiting.get("/admin/")["Location"].startswith("/admin/login/")


def test_who_removes_their_own_second_factor_stays_signed_in_here_only(codes, person):
    here, elsewhere = by_password(person), by_password(person)
    here.post(CODE, {"code": codes[0]})
    here.post(OWN, {"code": codes[1]})
    assert not SecondFactor.objects.filter(user=person).exists()
    assert here.get("/admin/").status_code == 200
    assert elsewhere.get("/admin/")["Location"].startswith("/admin/login/")


def test_an_administrator_resets_neither_their_own_nor_a_colleagues(clock, clinic):
    own, colleague = clinic.users[Role.HC_ADMIN], clinic.add_user(Role.HC_ADMIN)
    enrolled(colleague, clock.now)
    messages = reset(sign_in(own), colleague, own)
    assert [message.partition(": ")[2] for message in messages] == [
        "Only somebody who ranks above this person may reset their second factor."
    ] * 2
    assert SecondFactor.objects.filter(user=colleague).exists()


def test_nobody_is_reset_from_another_organization(clock, clinic, neighbour):
    foreign = neighbour.users[Role.HC_PRIMARY]
    enrolled(foreign, clock.now)
    reset(sign_in(clinic.users[Role.HC_ADMIN]), foreign)
    assert SecondFactor.objects.filter(user=foreign).exists()


def test_a_reader_sees_who_has_one_and_resets_nothing(clinic, codes, person):
    client = sign_in(clinic.users[Role.HC_VIEW_ALL])
    page = client.get(url(User, "changelist")).content.decode()
    shown = re.findall(r"<td[^>]*field-has_second_factor[^>]*>(.*?)</td>", page, re.DOTALL)
    assert sorted(re.sub(r"<[^>]+>", "", cell).strip() for cell in shown) == [*["-"] * 4, "On"]
    reset(client, person)
    assert SecondFactor.objects.filter(user=person).exists()

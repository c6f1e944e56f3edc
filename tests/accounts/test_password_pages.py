"""The pages by which people are invited and choose a password: what they show, send and leave behind."""

import logging
import re
import smtplib
import threading

import pytest
from django.core import mail
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

from accounts import background, mails
from accounts.models import AuditEvent, Organization, Role, User
from accounts.services.second_factors import enrol_second_factor, new_secret
from accounts.services.users import create_user
from tests.factories import SYSTEM
from tests.one_time_codes import code_at
from tests.pages import sign_in, submit, url

PASSWORD = "correct horse battery"
LINK = re.compile(r"https?://\S+/admin/password/link/\S+/")


@pytest.fixture(autouse=True)
def at_once(monkeypatch) -> None:
    """Do at once what is done behind an answer: tests share one connection."""
    monkeypatch.setattr(background, "run_later", lambda job: job())


@pytest.fixture
def administrator(clinic) -> Client:
    return sign_in(clinic.users[Role.HC_ADMIN])


@pytest.fixture
def invited(clinic, administrator) -> User:
    answer = submit(administrator, User, email="nurse@example.org", role=Role.HC_PRIMARY, first_name="Nora")
    assert answer.status_code == 302
    return User.objects.get(email_key="nurse@example.org")


def link_in(message) -> str:
    (found,) = LINK.findall(message.body)
    return found


def follow(client: Client, link: str):
    """Open a link as a browser does; return the page that it ends on."""
    return client.get(link.partition("testserver")[2], follow=True)


def choose(client: Client, password: str = PASSWORD):
    return client.post("/admin/password/choose/", {"new_password1": password, "new_password2": password})


def ask(email: str, client: Client | None = None):
    return (client or Client()).post("/admin/password/forgotten/", {"email": email})


# --- invitation -------------------------------------------------------------------------------------
def test_who_is_invited_chooses_a_password_and_is_signed_in(invited):
    (message,) = mail.outbox
    assert (message.to, invited.status, invited.has_usable_password()) == ([invited.email], "created", False)
    client = Client()
    page = follow(client, link_in(message))
    assert page.status_code == 200
    assert invited.email in page.content.decode()
    assert choose(client)["Location"] == "/admin/"
    assert client.get("/admin/").status_code == 200
    invited.refresh_from_db()
    assert (invited.status, invited.check_password(PASSWORD)) == ("active", True)
    assert follow(Client(), link_in(message)).status_code == 410


def test_the_mail_is_in_the_language_of_the_person_and_names_who_invites(clinic, administrator, monkeypatch):
    spoken = []

    def render(template: str, context: dict) -> str:
        spoken.append((translation.get_language(), timezone.get_current_timezone_name()))
        return render_to_string(template, context)

    monkeypatch.setattr(mails, "render_to_string", render)
    name = "O'Brien"
    submit(administrator, User, email="n@example.org", role=Role.HC_PRIMARY, first_name="Nora", last_name=name, language="nl")
    (message,) = mail.outbox
    assert spoken == [("nl", clinic.organization.timezone)]
    assert clinic.organization.name in message.subject
    assert f"Nora {name}" in message.body
    assert clinic.users[Role.HC_ADMIN].get_full_name() in message.body


def test_the_token_is_in_no_address_that_follows(invited):
    client, link = Client(), link_in(mail.outbox[0])
    answer = client.get(link.partition("testserver")[2])
    assert (answer["Location"], answer["Referrer-Policy"]) == ("/admin/password/choose/", "no-referrer")
    assert "no-store" in answer["Cache-Control"]
    token = link.rstrip("/").rpartition("/")[2]
    assert token not in client.get(answer["Location"]).content.decode()


def test_logs_have_the_route_and_no_token(invited, caplog):
    caplog.set_level(logging.INFO)
    token = link_in(mail.outbox[0]).rstrip("/").rpartition("/")[2]
    follow(Client(), link_in(mail.outbox[0]))
    assert token not in caplog.text
    assert not AuditEvent.objects.filter(route__contains=token).exists()


def test_a_second_factor_that_is_required_is_set_up_next(clinic, invited):
    Organization.objects.filter(pk=clinic.organization.pk).update(second_factor_required=True)
    client = Client()
    assert "second factor" in follow(client, link_in(mail.outbox[0])).content.decode()
    choose(client)
    assert client.get("/admin/")["Location"].startswith("/admin/second-factor/enrol/")


def test_a_second_factor_that_somebody_has_is_asked_for_next(clinic, administrator):
    user = clinic.users[Role.HC_PRIMARY]
    secret = new_secret()
    code = code_at(secret, timezone.now())
    enrol_second_factor(actor=clinic.actor(Role.HC_PRIMARY), user=user, secret=secret, code=code)
    administrator.post(f"/admin/people/{user.pk}/password-link/")
    follow(client := Client(), link_in(mail.outbox[0]))
    choose(client)
    assert client.get("/admin/")["Location"].startswith("/admin/second-factor/code/")


def test_who_was_signed_in_before_is_signed_out(clinic, administrator, invited):
    follow(administrator, link_in(mail.outbox[0]))
    choose(administrator)
    assert administrator.session["_auth_user_id"] == str(invited.pk)


def test_a_wrong_password_is_told_and_the_link_stays_open(invited):
    client = Client()
    follow(client, link_in(mail.outbox[0]))
    assert "too short" in choose(client, "short").content.decode()
    assert choose(client).status_code == 302


def test_a_page_that_was_left_open_ends_with_the_link(administrator, invited):
    client = Client()
    follow(client, link_in(mail.outbox[0]))
    administrator.post(f"/admin/people/{invited.pk}/invite/")
    assert choose(client).status_code == 410
    assert len(mail.outbox) == 2


def test_tokens_that_mean_nothing_open_nothing(invited):
    for token in ("x", "abc-123", "set-password"):
        page = Client().get(f"/admin/password/link/{invited.uuid}/{token}/", follow=True)
        assert page.status_code == 410
    assert Client().get("/admin/password/choose/").status_code == 410


def test_a_person_without_invitation_is_active_and_gets_no_mail(administrator):
    submit(administrator, User, email="robot@example.org", role=Role.HC_PRIMARY, invite=[])
    user = User.objects.get(email_key="robot@example.org")
    assert (user.status, user.has_usable_password(), mail.outbox) == ("active", False, [])


def test_an_invitation_and_a_password_exclude_each_other(administrator):
    answer = submit(administrator, User, email="x@example.org", role=Role.HC_PRIMARY, password=PASSWORD)
    assert "password" in answer.context["adminform"].form.errors
    answer = submit(administrator, User, email="x@example.org", role=Role.PATIENT)
    assert "invite" in answer.context["adminform"].form.errors
    assert mail.outbox == []


def test_a_mail_server_that_is_down_is_told_and_the_person_is_there(administrator, monkeypatch, caplog):
    def down(self, *args):
        raise smtplib.SMTPRecipientsRefused({"nurse@example.org": (550, b"no")})

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", down)
    answer = submit(administrator, User, email="nurse@example.org", role=Role.HC_PRIMARY)
    page = administrator.get(answer["Location"]).content.decode()
    assert "could not be sent" in page
    assert User.objects.filter(email_key="nurse@example.org").exists()
    assert "nurse@example.org" not in caplog.text


def test_without_a_mail_server_the_page_says_where_the_mail_is(administrator, monkeypatch):
    monkeypatch.setattr(mails, "are_sent", lambda: False)
    answer = submit(administrator, User, email="nurse@example.org", role=Role.HC_PRIMARY)
    assert "output of the server" in administrator.get(answer["Location"]).content.decode()


def test_links_begin_with_the_public_address_where_one_is_set(settings, administrator):
    settings.PUBLIC_URL = "https://records.clinic.example"
    submit(administrator, User, email="nurse@example.org", role=Role.HC_PRIMARY)
    assert link_in(mail.outbox[0]).startswith("https://records.clinic.example/admin/password/link/")


# --- the page of a person ---------------------------------------------------------------------------
def test_an_administrator_sends_a_link_to_choose_a_new_password(clinic, administrator):
    user = clinic.users[Role.HC_PRIMARY]
    assert "Send a link" in administrator.get(url(User, "change", user.pk)).content.decode()
    assert administrator.post(f"/admin/people/{user.pk}/password-link/").status_code == 204
    follow(client := Client(), link_in(mail.outbox[0]))
    choose(client)
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


def test_nothing_is_sent_to_people_out_of_scope_or_above(clinic, neighbour, administrator):
    for other in (neighbour.users[Role.HC_PRIMARY], clinic.users[Role.FC_ADMIN]):
        for verb in ("password-link", "invite", "stop", "activate"):
            assert administrator.post(f"/admin/people/{other.pk}/{verb}/", {"reason": "x"}).status_code == 404
    reader = sign_in(clinic.users[Role.HC_VIEW_ALL])
    assert reader.post(f"/admin/people/{clinic.users[Role.HC_PRIMARY].pk}/password-link/").status_code == 403
    assert mail.outbox == []


def test_access_is_stopped_with_a_reason_and_given_again(clinic, administrator):
    user = clinic.users[Role.HC_PRIMARY]
    assert administrator.post(f"/admin/people/{user.pk}/stop/").status_code == 422
    assert administrator.post(f"/admin/people/{user.pk}/stop/", {"reason": "Left"}).status_code == 204
    user.refresh_from_db()
    assert (user.status, user.status_changes.get().reason) == ("stopped", "Left")
    assert not user.api_keys.filter(revoked_at=None).exists()
    administrator.post(f"/admin/people/{user.pk}/activate/", {"reason": "Came back"})
    user.refresh_from_db()
    assert user.status == "active"


def test_nobody_stops_themselves(clinic, administrator):
    own = clinic.users[Role.HC_ADMIN]
    assert administrator.post(f"/admin/people/{own.pk}/stop/", {"reason": "x"}).status_code == 404
    assert "Stop access" not in administrator.get(url(User, "change", own.pk)).content.decode()


def test_the_page_shows_the_last_ten_sign_ins_and_the_keys(clinic, administrator):
    user = clinic.users[Role.HC_PRIMARY]
    for number in range(12):
        Client(REMOTE_ADDR=f"192.0.2.{number}").force_login(user, backend="accounts.authentication.StaffBackend")
    event = {"subject": "user", "subject_id": user.pk, "action": "user.login", "route": "admin/login/"}
    for number in range(12):
        AuditEvent.objects.create(organization_id=user.organization_id, user_id=user.pk, address=f"198.51.100.{number}", **event)
    content = administrator.get(url(User, "change", user.pk)).content.decode()
    assert [f"198.51.100.{number}<" in content for number in (0, 1, 2, 11)] == [False, False, True, True]
    assert user.api_keys.get().key_id in content


# --- forgotten --------------------------------------------------------------------------------------
def test_the_answer_is_the_same_for_everybody(clinic):
    known, unknown = ask(clinic.users[Role.HC_PRIMARY].email), ask("nobody@example.org")
    assert known["Location"] == unknown["Location"] == "/admin/password/forgotten/sent/"
    assert len(mail.outbox) == 1
    follow(client := Client(), link_in(mail.outbox[0]))
    assert choose(client).status_code == 302


def test_all_that_depends_on_the_address_is_done_behind_the_answer(clinic, monkeypatch):
    jobs: list = []
    monkeypatch.setattr(background, "run_later", jobs.append)
    client = Client()
    ask("warm@example.org", client)
    counts = []
    for email in (clinic.users[Role.HC_PRIMARY].email, "nobody@example.org"):
        with CaptureQueriesContext(connection) as asked:
            ask(email, client)
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert len(jobs) == 3
    assert mail.outbox == []


def test_one_address_and_one_network_ask_so_often(clinic, settings):
    settings.SIGN_INS_PER_ACCOUNT_PER_MINUTE, settings.SIGN_IN_FAILURES_PER_ADDRESS = 2, 3
    assert [ask("nobody@example.org").status_code for _ in range(3)] == [302, 302, 429]
    assert [ask(f"other{number}@example.org").status_code for number in range(2)] == [302, 429]


def test_the_sign_in_page_leads_there(db):
    assert "/admin/password/forgotten/" in Client().get("/admin/login/").content.decode()


def test_a_mail_that_fails_behind_an_answer_fails_nothing(clinic, monkeypatch):
    def away(self, *args):
        raise TimeoutError

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", away)
    assert ask(clinic.users[Role.HC_PRIMARY].email).status_code == 302


# --- behind the answer ------------------------------------------------------------------------------
def test_jobs_run_in_turn_in_another_thread_and_failures_stop_none(monkeypatch):
    monkeypatch.undo()
    done, seen = threading.Event(), []
    background.run_later(lambda: 1 / 0)
    background.run_later(lambda: seen.append(threading.current_thread().name))
    background.run_later(done.set)
    assert done.wait(10)
    assert seen[0].startswith("background")


def test_what_would_wait_too_long_is_dropped(monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(background, "_places", threading.BoundedSemaphore(1))
    going, seen = threading.Event(), []
    background.run_later(going.wait)
    background.run_later(lambda: seen.append("dropped"))
    going.set()
    background._threads.submit(lambda: None).result(10)
    assert seen == []


def test_a_superadmin_is_invited_to_all_organizations(clinic):
    client = sign_in(clinic.users[Role.FC_ADMIN])
    assert submit(client, User, email="root@example.org", role=Role.FC_ADMIN).status_code == 302
    assert "Anamnesis" in mail.outbox[0].subject
    assert create_user(actor=SYSTEM, email="y@example.org", role=Role.FC_ADMIN, organization=None).is_active

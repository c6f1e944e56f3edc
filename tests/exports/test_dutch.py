"""What people who read Dutch see of the audit trail, reports and webhooks. APIs say the same in English."""

import csv
import re
from html import unescape

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.translation import override

from accounts.audit_words import Sentence, field_words, nouns_of, sentence_of
from accounts.models import AuditEvent, Role, User
from exports.admin.event_names import event_name, types_by_kind
from exports.event_types import event_types
from exports.models import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from tests.exports.test_audit_words import of_apis, of_code, of_lists_and_forms
from tests.exports.test_webhook_admin import ADD, add, page_of, told
from tests.pages import sign_in


@pytest.fixture
def office(clinic) -> Client:
    """An administrator who reads Dutch."""
    user = clinic.users[Role.HC_ADMIN]
    User.objects.filter(pk=user.pk).update(language="nl")
    return sign_in(user)


def text_of(page: str) -> str:
    return " ".join(unescape(re.sub("<[^>]+>", " ", page)).split())


# --- the audit trail ------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("action", "refused", "name", "before", "after", "alone"),
    [
        ("patient.read", False, "", "heeft het dossier van ", " geopend", "heeft het dossier geopend"),
        (
            "patient.read",
            True,
            "",
            "wilde het dossier van ",
            " openen, maar dat werd geweigerd",
            "wilde het dossier openen, maar dat werd geweigerd",
        ),
        (
            "patient.search",
            False,
            "",
            "heeft ",
            " in een lijst of zoekresultaat gezien",
            "heeft de patiënt in een lijst of zoekresultaat gezien",
        ),
        ("allergy.create", False, "", "heeft een allergie van ", " toegevoegd", "heeft een allergie toegevoegd"),
        (
            "disease.update",
            False,
            "[{patients}]",
            "heeft het probleem “[{patients}]” van ",
            " gewijzigd",
            "heeft het probleem “[{patients}]” gewijzigd",
        ),
        (
            "medication.update",
            False,
            "furosemide",
            "heeft de medicatie “furosemide” van ",
            " gewijzigd",
            "heeft de medicatie “furosemide” gewijzigd",
        ),
        ("user.login", False, "", "heeft ingelogd van ", "", "heeft ingelogd"),
    ],
)
def test_a_sentence_has_the_order_of_words_of_its_language(action, refused, name, before, after, alone):
    with override("nl"):
        said = sentence_of(action, refused=refused, name=name)
    assert (said.before, said.after, said.alone) == (before, after, alone)


def test_every_action_has_a_sentence_of_its_own_and_none_is_half_translated():
    for action in sorted({*of_apis(), *of_code(), *of_lists_and_forms()}):
        for refused in (False, True):
            english = sentence_of(action, refused=refused, name="X")
            with override("nl"):
                dutch = sentence_of(action, refused=refused, name="X")
            assert _words(dutch).isdisjoint({"a", "an", "the", "tried", "and"}), dutch
            assert dutch.alone != english.alone
            assert dutch.of_nobody != english.of_nobody


def _words(sentence: Sentence) -> set[str]:
    return set(re.findall(r"\w+", f"{sentence.before} {sentence.after} {sentence.alone} {sentence.of_nobody}"))


def test_a_new_kind_of_rows_is_told_in_english_until_it_has_nouns():
    assert nouns_of("room") == ("a room", "the room “{name}”", "rooms")


def test_changed_fields_are_named_and_counted():
    with override("nl"):
        assert field_words("dosage,frequency,is_urgent", shown=2) == "dosering, frequentie, nog 1"


def test_the_page_tells_what_was_done(office, hugo, nurse):
    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    nurse.get(reverse("admin:audit"))
    page = text_of(office.get(reverse("admin:audit"), {"what": "all"}).content.decode())
    for words in ("Paula Prescott heeft het dossier van Hugo Abernathy geopend", "Gelezen", "nieuwste eerst", "Geweigerd"):
        assert words in page, words
    wrong = office.get(reverse("admin:audit"), {"since": "1 jan 2020", "until": "1 jan 2019"})
    assert "Deze dag ligt voor de eerste." in wrong.content.decode()


def test_a_patient_gets_a_letter_and_a_file_in_the_language_of_who_makes_them(office, hugo, nurse):
    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    letter = office.get(reverse("admin:chart_readers_letter", args=[hugo.pk])).content.decode()
    assert '<html lang="nl">' in letter
    assert "Wie heeft het dossier van Hugo Abernathy gelezen" in letter
    file = office.get(reverse("admin:chart_readers_csv", args=[hugo.pk])).content.decode("utf-8-sig")
    *_letter, row = csv.DictReader(file.splitlines())
    assert (row["Wie"], row["Wat"]) == ("Paula Prescott", "heeft het dossier geopend")
    assert AuditEvent.objects.latest("pk").action == "patient.export_readers"


# --- reports --------------------------------------------------------------------------------------------
def test_a_report_has_a_title_on_the_page_and_its_own_columns_in_the_file(clinic, office):
    clinic.patient()
    page = text_of(office.get(reverse("admin:reports"), {"report": "patients", "format": "csv"}).content.decode())
    for words in ("Meldingen", "Statuswijzigingen van accounts", "1 rij in dit rapport."):
        assert words in page, words
    answer = office.get(reverse("admin:report_file"), {"report": "patients", "format": "csv"})
    assert b"".join(answer.streaming_content).startswith(b"Patient_UUID,First_Name,")
    missing = office.get(reverse("admin:reports"), {"report": "alerts", "format": "csv"}).content.decode()
    assert "Dit rapport heeft beide dagen nodig." in missing


# --- webhooks -------------------------------------------------------------------------------------------
def test_a_service_refuses_in_the_language_of_the_page_and_an_api_in_english(clinic, office, api):
    given = {"description": "Register", "url": "ftp://hooks.example.com/a"}
    assert "De URL moet met https:// beginnen." in add(office, **given).content.decode()
    answer = api().post(f"{clinic.base}/webhook-endpoints", given)
    assert answer.json()["detail"][0]["msg"] == "The URL must begin with https://."
    assert not WebhookEndpoint.objects.filter(description="Register").exists()


def test_types_of_events_have_names_on_pages_and_are_stored_by_their_words(clinic, office):
    assert "Afspraak" in office.get(ADD).content.decode()
    add(office, event_types=["appointment.no_show"])
    endpoint = WebhookEndpoint.objects.get(description="Registry")
    assert endpoint.event_types == ["appointment.no_show"]
    assert "Afspraak niet verschenen" in office.get(page_of(endpoint)).content.decode()


def test_every_type_of_event_has_a_name():
    assert event_name("vital_signs.created") == "Vital signs created"
    english = {name: event_name(name) for name in event_types()}
    with override("nl"):
        kinds = dict(types_by_kind())
        assert [name for types in kinds.values() for name, _past in types] == list(english)
        assert "Patiënt" in kinds
        same = {name for name in english if event_name(name) == english[name]}
    assert not same


def test_states_and_failures_of_messages_are_told_and_stored_in_english(clinic, office):
    endpoint = clinic.endpoint(description="Laboratorium")
    told(endpoint, attempts=3, response_status=503, error="answered 503")
    told(endpoint, status=DeliveryStatus.DEAD, attempts=9, error="no connection", due_at=None)
    page = text_of(office.get(page_of(endpoint)).content.decode())
    for words in ("Opgegeven", "geen verbinding", "Nieuwe poging", "antwoordde 503"):
        assert words in page, words
    assert set(WebhookDelivery.objects.filter(endpoint=endpoint).values_list("error", flat=True)) == {
        "answered 503",
        "no connection",
    }

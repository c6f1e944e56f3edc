"""The audit trail in the admin: sentences, day by day, for those who run the organization."""

import datetime
import re
from html import unescape

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditedPatient, AuditEvent, Role
from accounts.services.keys import issue_key
from clinical.models import Medication
from config.core.dates import today_at
from exports.admin.trail.filters import MOST_DAYS, MOST_DAYS_OF_PERSON, REFUSED
from exports.admin.trail.pages import EVENTS
from tests.accounts.test_audit import event_of
from tests.append_only import lifted
from tests.conftest import ApiClient
from tests.factories import SYSTEM, key_row, new_key
from tests.pages import sign_in

SCRAP = re.compile(r"\b[0-9a-f]{8}\b|\b[0-9a-f]{4}-[0-9a-f]{4}-")
SOCIAL_SECURITY_NUMBER = "123-45-6789"


@pytest.fixture
def office(clinic):
    return sign_in(clinic.users[Role.HC_ADMIN])


def key_of(user, description: str) -> str:
    return issue_key(actor=SYSTEM, user=user, description=description, expires_at=None)[1]


def trail(client, **query):
    return client.get(reverse("admin:audit"), {"what": "all", **query})


def sentences(client, **query) -> list[str]:
    """Return the sentences of the trail, latest first, as a person reads them."""
    text = trail(client, **query).content.decode()
    found = re.findall(r"<p><strong>(.*?)</p>", text, re.DOTALL)
    return [re.sub(r"\s+", " ", unescape(re.sub("<[^>]+>", "", sentence))).strip() for sentence in found]


def events(client, **query) -> list[AuditEvent]:
    return [row.event for _, rows in trail(client, **query).context["days"] for row in rows]


# --- words --------------------------------------------------------------------------------------------


def test_who_opened_whose_chart_is_a_sentence(clinic, hugo, nurse, office):
    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    assert "Paula Prescott opened the chart of Hugo Abernathy" in sentences(office)


def test_a_key_goes_by_its_description_and_its_owner(clinic, hugo, office):
    raw = key_of(clinic.users[Role.HC_PRIMARY], "Home monitor app")
    ApiClient(raw).get(f"{clinic.base}/patients/{hugo.uuid}")
    assert "Key “Home monitor app” of Paula Prescott opened the chart of Hugo Abernathy" in sentences(office)
    (row,) = (row for _, rows in trail(office, what="read").context["days"] for row in rows)
    assert (row.door, row.doer.role, row.doer.key_id) == ("Practice API", "Primary caregiver", key_row(raw).key_id)


def test_a_refusal_says_what_was_tried(clinic, nurse, office):
    other = clinic.patient(first_name="Ann", last_name="Lee", care_group_id=clinic.other_group.pk)
    nurse.get(reverse("admin:chart", args=[other.pk]))
    assert sentences(office, what=REFUSED) == ["Paula Prescott tried to open the chart of Ann Lee and was refused"]


def test_an_entry_goes_by_its_name_and_the_names_of_changed_fields_follow(clinic, hugo, api, office):
    entry = clinic.entry(Medication, hugo, med_descript="furosemide")
    path = f"{clinic.base}/patients/{hugo.uuid}/medications/{entry.uuid}"
    assert api(Role.HC_PRIMARY).patch(path, {"base_version": 1, "dosage": "40 mg"}).status_code == 200
    told = sentences(office)[0]
    assert "changed the medication “furosemide” of Hugo Abernathy (dosage)" in told


def test_many_patients_are_counted_and_two_are_named(clinic, hugo, api, office):
    ann = clinic.patient(first_name="Ann", last_name="Lee", care_group_id=clinic.group.pk)
    read = event_of(lambda: api(Role.HC_PRIMARY).get(f"{clinic.base}/patients"))
    assert AuditedPatient.objects.filter(event=read).count() == 2
    told = sentences(office, who="Prescott")[0]
    assert "Hugo Abernathy" in told
    assert "Ann Lee" in told
    clinic.patient(care_group_id=ann.care_group_id)
    api(Role.HC_PRIMARY).get(f"{clinic.base}/patients")
    assert sentences(office, who="Prescott")[0].endswith("saw 3 patients in a list or search")


def test_no_scrap_of_an_id_and_no_sealed_value_is_shown(clinic, hugo, api, office):
    body = {"base_version": hugo.version, "social_security_number": SOCIAL_SECURITY_NUMBER}
    assert api(Role.HC_PRIMARY).patch(f"{clinic.base}/patients/{hugo.uuid}", body).status_code == 200
    text = trail(office).content.decode()
    assert "changed the record of" in text
    assert "social security number" in text
    for scrap in (SOCIAL_SECURITY_NUMBER, "6789"):
        assert scrap not in text
    shown = " ".join(sentences(office))
    assert not SCRAP.search(shown), SCRAP.search(shown)


def test_what_was_saved_against_a_warning_says_of_which_kind(clinic, hugo, office):
    AuditEvent.objects.create(
        organization_id=clinic.organization.pk, action="allergy.create", subject="allergy", overridden="drug_allergy.high"
    )
    assert "drug allergy: high" in trail(office).content.decode()


# --- scope --------------------------------------------------------------------------------------------


def test_it_is_for_those_who_run_the_organization(clinic, hugo, nurse):
    assert trail(nurse).status_code == 403
    assert trail(sign_in(clinic.users[Role.HC_VIEW_ALL])).status_code == 200


def test_nothing_of_another_organization_is_shown_not_even_by_a_key_or_a_person_of_theirs(clinic, neighbour, hugo, office):
    theirs = neighbour.patient(first_name="Foreign", last_name="Person")
    ApiClient(neighbour.keys[Role.HC_ADMIN]).get(f"{neighbour.base}/patients/{theirs.uuid}")
    assert "Foreign" not in " ".join(sentences(office))
    assert trail(office, patient=theirs.pk).context["filter"].errors
    assert sentences(office, who=neighbour.users[Role.HC_ADMIN].email) == []
    # An attempt from outside on one's own patient is shown, without the name of who made it.
    ApiClient(neighbour.keys[Role.HC_ADMIN]).get(f"{neighbour.base}/patients/{hugo.uuid}")
    assert sentences(office, what=REFUSED) == [
        "A key of the operator tried to open the chart of Hugo Abernathy and was refused",
    ]


@pytest.mark.parametrize("by_api", [True, False])
def test_a_refused_request_for_somebody_elsewhere_does_not_tell_their_name(clinic, neighbour, nurse, office, by_api):
    theirs = neighbour.patient(first_name="Foreign", last_name="Person")
    if by_api:
        ApiClient(clinic.keys[Role.HC_PRIMARY]).get(f"{clinic.base}/patients/{theirs.uuid}")
    else:
        nurse.get(reverse("admin:chart", args=[theirs.pk]))
    (told,) = sentences(office, what=REFUSED)
    assert told.endswith("tried to open the chart and was refused")
    assert "Foreign" not in trail(office).content.decode()


def test_a_superadmin_chooses_an_organization(clinic, neighbour, hugo, nurse):
    root = sign_in(clinic.users[Role.FC_ADMIN])
    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    opened = "Paula Prescott opened the chart of Hugo Abernathy"
    assert opened not in sentences(root)
    assert opened in sentences(root, organization=clinic.organization.pk)
    assert opened not in sentences(root, organization=neighbour.organization.pk)
    assert opened in sentences(root, patient=hugo.pk)


# --- search -------------------------------------------------------------------------------------------


def test_the_trail_is_searched_by_patient_person_key_and_kind(clinic, hugo, nurse, office):
    ann = clinic.patient(first_name="Ann", last_name="Lee", care_group_id=clinic.group.pk)
    lab = ApiClient(key_of(clinic.users[Role.HC_ADMIN], "Lab import"))
    for read in (hugo, ann):
        nurse.get(reverse("admin:chart", args=[read.pk]))
        lab.get(f"{clinic.base}/patients/{read.uuid}")
    paula, key = "Paula Prescott opened", "Key “Lab import”"
    of_hugo = sentences(office, patient=hugo.pk, what="read")
    assert len(of_hugo) == 2
    assert all("Hugo Abernathy" in told for told in of_hugo)
    assert [told.startswith(paula) for told in sentences(office, who="prescott", what="read")] == [True, True]
    assert [told.startswith(key) for told in sentences(office, who="lab", what="read")] == [True, True]
    assert sentences(office, who="nobody of this name") == []
    made = sentences(office, what="changed")
    assert made
    assert not any("opened" in told for told in made)
    assert not any("in a list" in told for told in sentences(office, what=""))


def test_a_sign_in_is_found_by_the_name_of_the_account(clinic, hugo, office):
    nurse = clinic.users[Role.HC_PRIMARY]
    office.post("/admin/login/", {"username": nurse.email, "password": "wrong"})
    office = sign_in(clinic.users[Role.HC_ADMIN])
    assert sentences(office, who="Prescott", what=REFUSED) == ["Somebody, as Paula Prescott, tried to sign in and was refused"]


def test_days_are_whole_ones_on_the_clock_of_the_organization(clinic, hugo, office):
    zone = clinic.organization.zone
    first = datetime.datetime(2026, 3, 2, 0, 0, tzinfo=zone)
    moments = [first - datetime.timedelta(seconds=1), first, first + datetime.timedelta(hours=23, minutes=59)]
    made = []
    for moment in moments:
        event = AuditEvent.objects.create(organization_id=clinic.organization.pk, action="user.logout")
        with lifted():
            AuditEvent.objects.filter(pk=event.pk).update(at=moment)
        made.append(event.pk)
    assert [event.pk for event in events(office, since="2026-03-02", until="2026-03-02")] == made[:0:-1]
    day, _ = trail(office, since="2026-03-02", until="2026-03-02").context["days"][0]
    assert day == datetime.date(2026, 3, 2)


@pytest.mark.parametrize(("who", "most"), [("", MOST_DAYS), ("Prescott", MOST_DAYS_OF_PERSON)])
def test_how_many_days_are_shown_at_once_is_bounded_unless_of_one_patient(clinic, hugo, office, who, most):
    since = today_at(clinic.organization.timezone) - datetime.timedelta(days=most)
    refused = trail(office, who=who, since=since.isoformat())
    assert refused.context["filter"].errors["since"][0].startswith(f"At most {most} days")
    assert refused.context["days"] == []
    fewer = since + datetime.timedelta(days=1)
    assert not trail(office, who=who, since=fewer.isoformat()).context["filter"].errors
    assert not trail(office, who=who, since="1990-01-01", patient=hugo.pk).context["filter"].errors


@pytest.mark.parametrize("query", [{"before": "x"}, {"before": "1_"}, {"before": "9" * 30 + "_1"}, {"page": "2"}, {"q": "x"}])
def test_what_no_address_of_the_page_says_is_refused(office, query):
    assert trail(office, **query).status_code == 400


# --- pages, costs and the trail itself ---------------------------------------------------------------


def test_older_events_follow_without_a_gap_and_without_being_counted(clinic, hugo, office):
    moment = timezone.now()
    made = [
        AuditEvent.objects.create(organization_id=clinic.organization.pk, action="user.logout").pk for _ in range(EVENTS + 20)
    ]
    with lifted():
        # Several have one moment.
        for number, pk in enumerate(made):
            AuditEvent.objects.filter(pk=pk).update(at=moment - datetime.timedelta(hours=1, seconds=-(number // 40)))
    seen: list[int] = []
    query = {"what": "signed_in"}
    while True:
        with CaptureQueriesContext(connection) as captured:
            answer = office.get(reverse("admin:audit"), query)
        assert not any("COUNT(" in one["sql"] and 'FROM "accounts_auditevent"' in one["sql"] for one in captured)
        seen += [row.event.pk for _, rows in answer.context["days"] for row in rows]
        if not answer.context["older"]:
            break
        query = dict(pair.split("=") for pair in answer.context["older"].split("&"))
    assert [pk for pk in seen if pk in made] == made[::-1]
    assert len(seen) == len(set(seen))


def test_a_page_costs_the_same_statements_for_one_event_and_for_many(clinic, hugo, nurse, office):
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            trail(office)
        return len(captured)

    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    statements()
    few = statements()
    for number in range(4):
        patient = clinic.patient(care_group_id=clinic.group.pk, last_name=f"Last{number}")
        ApiClient(new_key(clinic.users[Role.HC_SECONDARY])).get(f"{clinic.base}/patients/{patient.uuid}")
    assert statements() == few


def test_reading_the_trail_is_audited_with_whom_it_names(clinic, hugo, nurse, office):
    nurse.get(reverse("admin:chart", args=[hugo.pk]))
    trail(office)
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.user_id) == ("audit_event.search", clinic.users[Role.HC_ADMIN].pk)
    assert hugo.pk in set(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True))


def test_the_patient_who_is_searched_for_is_audited_even_where_nothing_is_found(clinic, hugo, office):
    before = AuditEvent.objects.latest("id").pk
    assert sentences(office, patient=hugo.pk, since="1990-01-01", until="1990-01-02") == []
    event = AuditEvent.objects.get(pk__gt=before, action="audit_event.search")
    assert list(AuditedPatient.objects.filter(event=event).values_list("patient_id", flat=True)) == [hugo.pk]

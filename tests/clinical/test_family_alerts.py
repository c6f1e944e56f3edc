"""include_family=true: the family-scope alerts of those who share a patient's guarantor, as far as the caller sees them."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Role
from clinical.models import Alert
from tests.clinical.alert_lists import affected_patients, ids, listed, move, of
from tests.contracts.facts import table
from tests.factories import Clinic, archive


class Family:
    """A guarantor with three dependents, one of them in another care group, one archived; and an outsider."""

    def __init__(self, clinic: Clinic):
        self.clinic = clinic
        self.guarantor = self._member(clinic.group)
        self.child = self._member(clinic.group, responsible_party_id=self.guarantor.pk)
        self.hidden = self._member(clinic.other_group, responsible_party_id=self.guarantor.pk)
        self.gone = self._member(clinic.group, responsible_party_id=self.guarantor.pk)
        self.outsider = self._member(clinic.group)
        people = (self.guarantor, self.child, self.hidden, self.gone, self.outsider)
        self.shared = {person: clinic.entry(Alert, person, alert_scope="family") for person in people}
        self.own = {person: clinic.entry(Alert, person) for person in people}
        archive(self.gone)

    def _member(self, group, **values):
        return self.clinic.patient(care_group_id=group.pk, **values)


@pytest.fixture
def family(clinic) -> Family:
    return Family(clinic)


@pytest.mark.parametrize("role", [Role.HC_ADMIN, Role.HC_VIEW_ALL, Role.FC_ADMIN])
def test_family_alerts_stand_on_every_members_chart(clinic, api, family, role):
    members = (family.guarantor, family.child, family.hidden)
    for member in members:
        expected = ids(family.own[member], *(family.shared[other] for other in members))
        assert listed(api, of(clinic, member), role, include_family="true") == expected
        for silent in ({}, {"include_family": "false"}):
            assert listed(api, of(clinic, member), role, **silent) == ids(family.own[member], family.shared[member])


def test_a_patient_without_a_family_has_the_own_alerts_only(clinic, api, family):
    outsider = family.outsider
    expected = ids(family.own[outsider], family.shared[outsider])
    assert listed(api, of(clinic, outsider), include_family="true") == expected


def test_family_alerts_stand_among_the_own_ones_the_newest_first(clinic, api, family):
    older = [family.shared[family.guarantor], family.shared[family.child], family.shared[family.hidden], family.own[family.child]]
    expected = [str(alert.uuid) for alert in older]
    for asked, order in (({}, expected[::-1]), ({"sort_dir": "asc"}, expected)):
        answer = api().get(of(clinic, family.child), {"include_family": "true", **asked})
        assert [alert["id"] for alert in answer.json()["items"]] == order


@pytest.mark.parametrize("role", [Role.HC_PRIMARY, Role.HC_SECONDARY])
def test_relatives_whom_the_caller_does_not_see_have_no_alerts(clinic, api, family, role):
    seen = ids(family.own[family.child], family.shared[family.child], family.shared[family.guarantor])
    assert listed(api, of(clinic, family.child), role, include_family="true") == seen


def test_the_chart_of_an_archived_patient_shows_the_family_too(clinic, api, family):
    expected = ids(family.own[family.gone], *(family.shared[one] for one in (family.gone, family.guarantor, family.child)))
    assert listed(api, of(clinic, family.gone), Role.HC_PRIMARY, include_family="true") == expected


def test_the_family_of_the_neighbour_is_not_this_one(clinic, neighbour, api, family):
    """A superadmin sees both organizations; the path names one."""
    other = Family(neighbour)
    theirs = listed(api, of(neighbour, other.child), Role.FC_ADMIN, include_family="true")
    ours = listed(api, of(clinic, family.child), Role.FC_ADMIN, include_family="true")
    assert (len(theirs), len(ours), theirs & ours) == (4, 4, set())


def test_the_status_of_a_relatives_alert_counts_as_that_of_ones_own(clinic, api, family):
    today = move(clinic, "America/New_York")
    values = [{"status": "disabled"}, {"status": "archived"}, {"disable_on": today}]
    disabled, archived, due = (clinic.entry(Alert, family.guarantor, alert_scope="family", **value) for value in values)
    path, standing = of(clinic, family.child), listed(api, of(clinic, family.child), status="active", include_family="true")
    assert standing & ids(disabled, archived, due) == set()
    assert standing >= ids(family.shared[family.guarantor])
    assert listed(api, path, status="disabled", include_family="true") == ids(disabled, due)
    assert listed(api, path, status="archived", include_family="true") == ids(archived)


def test_a_family_list_tells_whose_alert_each_is_and_whose_charts_were_read(clinic, api, family):
    answer = api(Role.HC_PRIMARY).get(of(clinic, family.child), {"include_family": "true"}).json()
    assert list(table("practice").faults("AlertPage", answer)) == []
    shown = {item["id"]: item["patient"]["uuid"] for item in answer["items"]}
    assert shown[str(family.shared[family.guarantor].uuid)] == str(family.guarantor.uuid)
    assert shown[str(family.own[family.child].uuid)] == str(family.child.uuid)
    assert affected_patients("alert.search") == [{family.child.pk, family.guarantor.pk}]


def test_a_relatives_alert_is_reached_through_its_own_patient_only(clinic, api, family):
    theirs = family.shared[family.guarantor]
    one = f"{of(clinic, family.child)}/{theirs.uuid}"
    attempts = [
        ("GET", one, None),
        ("PATCH", one, {"base_version": 1, "note": "x"}),
        ("POST", f"{one}/archive", {}),
        ("POST", f"{one}/disable", {"base_version": 1}),
    ]
    for method, path, body in attempts:
        answer = api()(method, path, body)
        assert (answer.status_code, answer.json()) == (404, {"detail": "Alert not found"})
    theirs.refresh_from_db()
    assert (theirs.version, theirs.status, theirs.note) == (1, "active", None)


def test_the_pages_of_a_family_are_in_the_order_of_the_list(family, clinic, api):
    with CaptureQueriesContext(connection) as queries:
        api().get(of(clinic, family.child), {"include_family": "true"})
    (listing,) = [query["sql"] for query in queries if "LIMIT 50 OFFSET" in query["sql"]]
    assert re.search(r'ORDER BY "clinical_alert"."id" DESC\s+LIMIT 50', listing)

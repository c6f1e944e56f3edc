"""Counts by location: who counts, where, and when."""

import datetime

from patients.models import Location
from tests.factories import archive


def count(client, clinic, **query):
    answer = client.get(f"{clinic.base}/patients/counts/by-location", query)
    assert answer.status_code == 200
    return answer.json()


def test_active_patients_are_counted_by_location(api, clinic):
    place = clinic.catalogs["location"]
    for _ in range(2):
        clinic.patient(location_id=place.pk)
    clinic.patient(location_id=place.pk, status="inactive")
    clinic.patient()
    assert count(api(), clinic) == {
        "date_from": None,
        "date_to": None,
        "excluded_count": 1,
        "group_by": "location",
        "items": [{"location": {"uuid": str(place.uuid), "name": place.name}, "count": 2}],
        "status_set": ["active"],
        "total": 3,
    }


def test_status_set_repeats_and_reaches_archived_patients(api, clinic):
    place = clinic.catalogs["location"]
    clinic.patient(location_id=place.pk)
    clinic.patient(location_id=place.pk, status="inactive")
    archive(clinic.patient(location_id=place.pk))
    assert count(api(), clinic, status_set=["inactive", "archived"])["total"] == 2


def test_first_visit_is_counted_from_and_before(api, clinic):
    for day in (1, 2, 3):
        clinic.patient(date_first_visit=datetime.date(2026, 3, day))
    assert count(api(), clinic, date_from="2026-03-02", date_to="2026-03-03")["total"] == 1


def test_locations_that_are_not_active_are_excluded(api, clinic):
    closed = clinic.catalog(Location, "Closed", is_active=False)
    clinic.patient(location_id=closed.pk)
    counted = count(api(), clinic)
    assert (counted["items"], counted["excluded_count"], counted["total"]) == ([], 1, 1)


def test_only_visible_patients_are_counted(api, clinic):
    clinic.patient(care_group_id=clinic.group.pk)
    clinic.patient(care_group_id=clinic.other_group.pk)
    assert count(api("HC_PRIMARY"), clinic)["total"] == 1


def test_unknown_status_and_dates_are_422(api, clinic):
    for query in ({"status_set": "nope"}, {"date_from": "2026-02-30"}):
        assert api().get(f"{clinic.base}/patients/counts/by-location", query).status_code == 422

"""What cells of reports show where the record has nothing yet."""

import pytest

from accounts.models import Role, UserStatusChange
from clinical.models import MonitoringAlert
from clinical.services.monitoring import process_alert
from tests.exports.rows import add_row, caregiver, page
from tests.factories import SYSTEM

NAMES = ("First_Name", "Middle_Name", "Last_Name")


def test_what_is_empty_in_the_record_of_a_patient_is_null(clinic, api):
    empty = dict.fromkeys(("middle_name", "email", "chart_number"), "")
    add_row(clinic, "patients", **empty)
    add_row(clinic, "starRatings", remarks="")
    rating = page(api(), "starRatings")[0]
    assert rating["Remarks"] is None
    row = page(api(), "patients")[0]
    assert (row["Middle_Name"], row["Email"], row["Patient_Number"]) == (None, None, None)


def test_what_is_empty_in_the_record_of_a_person_is_null(clinic, api):
    user = caregiver(clinic)
    row = next(row for row in page(api(), "hcps") if row["UUID"] == str(user.uuid))
    assert [row[name] for name in NAMES] == [None] * 3
    assert row["Groups"] == ""


def test_a_change_of_status_without_a_reason_has_null(clinic, api):
    user = clinic.users[Role.HC_PRIMARY]
    UserStatusChange.objects.create(organization=clinic.organization, user=user, from_status="created", to_status="active")
    assert [row["Reason"] for row in page(api(), "usersStatusChangeReasons")] == [None]


@pytest.mark.parametrize("name", ["", "ada"])
def test_who_has_no_account_name_signs_in_with_the_address(clinic, api, name):
    user = caregiver(clinic, user_name=name)
    row = next(row for row in page(api(), "hcps") if row["UUID"] == str(user.uuid))
    assert row["User_Name"] == (name or user.email)


PROCESSED = ("Alert_Processed_Type", "Alert_Processed_Action", "Alert_Processed_At", "Alert_Processed_By_UUID")


@pytest.mark.parametrize("name", ["alerts", "measurements"])
def test_what_was_done_about_an_alert_is_told_once_it_is_processed(clinic, api, name):
    measurement = add_row(clinic, "measurements")
    alert = clinic.entry(MonitoringAlert, measurement.patient, measurement_id=measurement.pk)
    found = {"actor": SYSTEM, "patient_id": alert.patient_id, "alert_id": alert.pk}
    process_alert(**found, status="escalated", action="Called", additional_info="No answer")
    columns = PROCESSED if name == "measurements" else (*PROCESSED, "Alert_Processed_Additional_Info")
    (row,) = page(api(), name)
    assert [row[column] for column in columns] == [None] * len(columns)
    process_alert(**found, status="processed", processed_type="reviewed")
    (row,) = page(api(), name)
    assert (row["Alert_Processed_Type"], row["Alert_Processed_Action"]) == ("reviewed", "Called")
    assert row.get("Alert_Processed_Additional_Info", "No answer") == "No answer"

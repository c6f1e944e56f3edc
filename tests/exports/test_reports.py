"""The reports of the public dialect: columns, days, scope, pages and streams."""

import csv
import io
import json

import pytest

from clinical.models import Measurement
from config.core.databases import DatabaseNow
from exports.registry import REPORTS

COLUMNS = {
    "patients": (
        "Patient_UUID First_Name Middle_Name Last_Name Sex Patient_Number BSN Email Phone Date_Of_Birth Status Group_Name "
        "Program_Name Protocol Created_Date Activated_Date Stopped_Date Stopped_Reason Grey_Alerts Orange_Alerts Red_Alerts "
        "Measurements_Alerts Combination_Alerts Remark_Alerts Overdues_Alerts Average_Alerts Total_Alerts"
    ),
    "measurements": (
        "Patient_UUID First_Name Middle_Name Last_Name Patient_Number Group Program Protocol Measurement_Date Measurement_Name "
        "Measurement_Value Alert_Flag Alert_Type Alert_Created_Date Alert_Processed_Type Alert_Processed_Action "
        "Alert_Processed_At Alert_Processed_By_UUID"
    ),
    "alerts": (
        "Patient_UUID Group Program Protocol Alert_Flag Alert_Type Measurement_Name Alert_Created_Date Alert_Processed_Type "
        "Alert_Processed_Action Alert_Processed_At Alert_Processed_By_UUID Alert_Processed_By_Role "
        "Alert_Processed_Additional_Info"
    ),
    "hcps": (
        "UUID First_Name Middle_Name Last_Name Email User_Name Language Role Status Last_Login_At Last_Logout_At Groups "
        "Processed_Alerts"
    ),
    "patientsMutations": "Patient_UUID First_Name Middle_Name Last_Name Patient_Number Type Name Mutation_Date Mutation_ID",
    "starRatings": "Group Date Patient_UUID Score Remarks",
    "plannedActions": (
        "UUID Program_Action_UUID Patient_UUID Planned_Via Self_Planned Not_Before Expires_At Valid_Period_Timezone "
        "Completed_At Completed_At_Timezone Created_Date"
    ),
    "patientsWorkflowHistory": "Patient_UUID Workflow_UUID Trigger_Day Trigger_Count Created_Date",
    "patientsProgramsHistory": "Patient_UUID Program_UUID Created_By Created_Date",
    "patientsSettingsHistory": "Patient_UUID Key Value Created_By Created_Date",
    "usersStatusChangeReasons": "User_UUID From_Status To_Status Reason Created_By Created_Date Processed_Date",
}


@pytest.mark.parametrize("name", COLUMNS)
def test_columns_stand_in_the_documented_order(name):
    assert list(REPORTS[name].serializer_class().fields) == COLUMNS[name].split()


def test_every_documented_report_is_there():
    assert REPORTS.keys() == COLUMNS.keys()


DAYS = {"startDate": "2000-01-01", "endDate": "2099-12-31"}


@pytest.mark.parametrize("name", COLUMNS)
def test_a_report_answers_by_get_and_by_post_and_as_a_stream(api, clinic, name):
    patient = clinic.enrolled(care_group_id=clinic.group.pk)
    clinic.entry(Measurement, patient)
    days = DAYS if name in ("measurements", "alerts") else {}
    read, posted = (
        getattr(api(), verb)(f"/v1/export/{name}", days)
        if verb == "get"
        else api()("POST", f"/v1/export/{name}?startDate=2000-01-01&endDate=2099-12-31" if days else f"/v1/export/{name}")
        for verb in ("get", "post")
    )
    assert read.status_code == posted.status_code == 200, read.content
    assert read.json() == posted.json()
    rows = read.json()["data"]
    table = list(csv.DictReader(io.StringIO(b"".join(api().get(f"/v1/export/{name}.csv", days).streaming_content).decode())))
    lines = b"".join(api().get(f"/v1/export/{name}.ndjson", days).streaming_content).splitlines()
    assert len(table) == len(lines) == len(rows)
    assert [json.loads(line) for line in lines] == rows


@pytest.mark.parametrize("name", COLUMNS)
def test_a_report_is_read_by_an_index_in_the_order_of_creation_by_the_databases_clock(name):
    model = REPORTS[name].serializer_class.Meta.model
    assert isinstance(model._meta.get_field("created_at").db_default, DatabaseNow)
    assert ["organization", "created_at", "id"] in [index.fields for index in model._meta.indexes]

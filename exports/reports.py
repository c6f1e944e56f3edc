"""The reports: their rows, and their columns in the order of the API's documentation."""

from rest_framework import serializers

from accounts.models import User, UserStatusChange
from accounts.scope import Actor
from clinical.models import Measurement, MonitoringAlert, PlannedAction, StarRating, WorkflowFiring
from config.rest.compiled.plans import Computed, LoadedField, SqlText
from config.rest.fields import ContractSerializer
from config.rest.openapi import INTEGER, NULLABLE_TEXT, TEXT
from exports.report_columns import (
    GROUPS,
    PROCESSED_ALERTS,
    ActivationTime,
    LocalTime,
    LowerCase,
    MeasuredText,
    OnceProcessed,
    TextOf,
    Titled,
    alerts_in_all,
    alerts_of,
    enrolled_in,
    found_uuid,
    of_alert,
    related,
    related_uuid,
)
from patients.models import Enrolment, MutationType, Patient, PatientMutation, SettingChange
from patients.serializer_fields import PUBLIC_STATUS, IdentityNumber, public_status


class PatientsReportOut(ContractSerializer):
    """A patient, with the numbers of alerts so far."""

    Patient_UUID = serializers.UUIDField(source="uuid")
    First_Name = serializers.CharField(source="first_name")
    Middle_Name = related("middle_name")
    Last_Name = serializers.CharField(source="last_name")
    Sex = related("sex")
    Patient_Number = related("chart_number")
    BSN = IdentityNumber("bsn")
    Email = related("email")
    Phone = related("mobile_e164")
    Date_Of_Birth = serializers.DateField(source="date_of_birth", allow_null=True)
    Status = Computed(public_status, ("status", "user__status"), schema=TEXT)
    Group_Name = related("care_group.name")
    Program_Name = enrolled_in("program__name", "id")
    Protocol = enrolled_in("protocol__name", "id")
    Created_Date = LocalTime("created_at")
    Activated_Date = ActivationTime()
    Stopped_Date = LocalTime("stopped_at", nullable=True)
    Stopped_Reason = related("stopped_reason")
    Grey_Alerts = alerts_of("grey")
    Orange_Alerts = alerts_of("orange")
    Red_Alerts = alerts_of("red")
    Measurements_Alerts = alerts_of("measurement")
    Combination_Alerts = alerts_of("combination")
    Remark_Alerts = alerts_of("remark")
    Overdues_Alerts = alerts_of("overdue")
    Average_Alerts = alerts_of("average")
    Total_Alerts = alerts_in_all()

    class Meta:
        model = Patient
        fields = [
            "Patient_UUID",
            "First_Name",
            "Middle_Name",
            "Last_Name",
            "Sex",
            "Patient_Number",
            "BSN",
            "Email",
            "Phone",
            "Date_Of_Birth",
            "Status",
            "Group_Name",
            "Program_Name",
            "Protocol",
            "Created_Date",
            "Activated_Date",
            "Stopped_Date",
            "Stopped_Reason",
            "Grey_Alerts",
            "Orange_Alerts",
            "Red_Alerts",
            "Measurements_Alerts",
            "Combination_Alerts",
            "Remark_Alerts",
            "Overdues_Alerts",
            "Average_Alerts",
            "Total_Alerts",
        ]


class OfPatientOut(ContractSerializer):
    """Base of the rows that tell whose they are by UUID."""

    Patient_UUID = serializers.UUIDField(source="patient.uuid")
    Created_Date = LocalTime("created_at")


class NamedPatientOut(OfPatientOut):
    """Base of the rows that tell whose they are by name too."""

    First_Name = serializers.CharField(source="patient.first_name")
    Middle_Name = related("patient.middle_name")
    Last_Name = serializers.CharField(source="patient.last_name")
    Patient_Number = related("patient.chart_number")


NAMED = ["Patient_UUID", "First_Name", "Middle_Name", "Last_Name", "Patient_Number"]


class MeasurementsReportOut(NamedPatientOut):
    """A measurement, with the gravest alert that it raised."""

    Group = related("patient.care_group.name")
    Program = enrolled_in("program__name", "patient_id")
    Protocol = enrolled_in("protocol__name", "patient_id")
    Measurement_Date = LocalTime("measured_at")
    Measurement_Name = serializers.CharField(source="instrument.name")
    Measurement_Value = MeasuredText()
    Alert_Flag = of_alert(related("flag"))
    Alert_Type = of_alert(Titled("type"))
    Alert_Created_Date = of_alert(LocalTime("created_at"))
    Alert_Processed_Type = of_alert(related("processed_type"))
    Alert_Processed_Action = of_alert(OnceProcessed("action"))
    Alert_Processed_At = of_alert(LocalTime("processed_at", nullable=True))
    Alert_Processed_By_UUID = of_alert(found_uuid("processed_by__uuid"))

    class Meta:
        model = Measurement
        fields = [
            *NAMED,
            "Group",
            "Program",
            "Protocol",
            "Measurement_Date",
            "Measurement_Name",
            "Measurement_Value",
            "Alert_Flag",
            "Alert_Type",
            "Alert_Created_Date",
            "Alert_Processed_Type",
            "Alert_Processed_Action",
            "Alert_Processed_At",
            "Alert_Processed_By_UUID",
        ]


class AlertsReportOut(OfPatientOut):
    """A monitoring alert, and what became of it."""

    Group = related("care_group.name")
    Program = related("program.name")
    Protocol = related("protocol.name")
    Alert_Flag = serializers.CharField(source="flag")
    Alert_Type = Titled("type")
    Measurement_Name = related("instrument.name")
    Alert_Created_Date = LocalTime("created_at")
    Alert_Processed_Type = related("processed_type")
    Alert_Processed_Action = OnceProcessed("action")
    Alert_Processed_At = LocalTime("processed_at", nullable=True)
    Alert_Processed_By_UUID = related_uuid("processed_by.uuid")
    Alert_Processed_By_Role = LowerCase("processed_by__role", nullable=True)
    Alert_Processed_Additional_Info = OnceProcessed("additional_info")

    class Meta:
        model = MonitoringAlert
        fields = [
            "Patient_UUID",
            "Group",
            "Program",
            "Protocol",
            "Alert_Flag",
            "Alert_Type",
            "Measurement_Name",
            "Alert_Created_Date",
            "Alert_Processed_Type",
            "Alert_Processed_Action",
            "Alert_Processed_At",
            "Alert_Processed_By_UUID",
            "Alert_Processed_By_Role",
            "Alert_Processed_Additional_Info",
        ]


class HcpsReportOut(ContractSerializer):
    """A person who works for the organization, and how many alerts they have processed."""

    UUID = serializers.UUIDField(source="uuid")
    First_Name = related("first_name")
    Middle_Name = related("middle_name")
    Last_Name = related("last_name")
    Email = serializers.CharField(source="email")
    User_Name = Computed(lambda actor, name, email: name or email, ("user_name", "email"), schema=TEXT)
    Language = serializers.CharField(source="language")
    Role = LowerCase("role")
    Status = serializers.CharField(source="status")
    Last_Login_At = LocalTime("last_login", nullable=True)
    Last_Logout_At = LocalTime("last_logout", nullable=True)
    Groups = LoadedField(GROUPS, source="id", render=lambda found: found or "", schema=TEXT)
    Processed_Alerts = LoadedField(PROCESSED_ALERTS, source="id", render=lambda found: found or 0, schema=INTEGER)

    class Meta:
        model = User
        fields = [
            "UUID",
            "First_Name",
            "Middle_Name",
            "Last_Name",
            "Email",
            "User_Name",
            "Language",
            "Role",
            "Status",
            "Last_Login_At",
            "Last_Logout_At",
            "Groups",
            "Processed_Alerts",
        ]


_WHENS = " ".join(f"WHEN '{status}' THEN '{word}'" for status, word in PUBLIC_STATUS.items())
_PUBLIC_STATUS_SQL = f"CASE {{1}} {_WHENS} ELSE {{1}} END"


def _mutated_to(actor: Actor, kind: str, name: str | None) -> str | None:
    """Return the new value of a mutation; a status in the words of the patients report."""
    return PUBLIC_STATUS[name] if kind == MutationType.STATUS and name else name


class PatientsMutationsReportOut(NamedPatientOut):
    """A change of a patient's program, protocol, group or status."""

    Type = serializers.CharField(source="type")
    Name = Computed(
        _mutated_to,
        ("type", "name"),
        schema=NULLABLE_TEXT,
        sql=SqlText(f"CASE {{0}} WHEN '{MutationType.STATUS}' THEN {_PUBLIC_STATUS_SQL} ELSE {{1}} END"),
    )
    Mutation_Date = LocalTime("created_at")
    Mutation_ID = serializers.IntegerField(source="pk")

    class Meta:
        model = PatientMutation
        fields = [*NAMED, "Type", "Name", "Mutation_Date", "Mutation_ID"]


class StarRatingsReportOut(OfPatientOut):
    """What a patient thinks of their care."""

    Group = related("patient.care_group.name")
    Date = LocalTime("created_at")
    Score = TextOf("score")
    Remarks = related("remarks")

    class Meta:
        model = StarRating
        fields = ["Group", "Date", "Patient_UUID", "Score", "Remarks"]


class PlannedActionsReportOut(OfPatientOut):
    """A measurement that is expected of a patient."""

    UUID = serializers.UUIDField(source="uuid")
    Program_Action_UUID = serializers.UUIDField(source="program_action")
    Planned_Via = serializers.CharField(source="planned_via")
    Self_Planned = Computed(
        lambda actor, planned: int(planned), ("self_planned",), schema=INTEGER, sql=SqlText("{0}::int::text", verbatim=True)
    )
    Not_Before = LocalTime("not_before", "timezone")
    Expires_At = LocalTime("expires_at", "timezone")
    Valid_Period_Timezone = serializers.CharField(source="timezone")
    Completed_At = LocalTime("completed_at", "timezone", nullable=True)
    Completed_At_Timezone = Computed(
        lambda actor, completed, zone: zone if completed else None,
        ("completed_at", "timezone"),
        schema=NULLABLE_TEXT,
        sql=SqlText("CASE WHEN {0} IS NOT NULL THEN {1} END"),
    )

    class Meta:
        model = PlannedAction
        fields = [
            "UUID",
            "Program_Action_UUID",
            "Patient_UUID",
            "Planned_Via",
            "Self_Planned",
            "Not_Before",
            "Expires_At",
            "Valid_Period_Timezone",
            "Completed_At",
            "Completed_At_Timezone",
            "Created_Date",
        ]


class PatientsWorkflowHistoryReportOut(OfPatientOut):
    """A workflow that fired."""

    Workflow_UUID = serializers.UUIDField(source="workflow.uuid")
    Trigger_Day = serializers.DateField(source="trigger_day")
    Trigger_Count = serializers.IntegerField(source="trigger_count")

    class Meta:
        model = WorkflowFiring
        fields = ["Patient_UUID", "Workflow_UUID", "Trigger_Day", "Trigger_Count", "Created_Date"]


class PatientsProgramsHistoryReportOut(OfPatientOut):
    """An enrolment in a program."""

    Program_UUID = serializers.UUIDField(source="program.uuid")
    Created_By = related_uuid("created_by.uuid")

    class Meta:
        model = Enrolment
        fields = ["Patient_UUID", "Program_UUID", "Created_By", "Created_Date"]


class PatientsSettingsHistoryReportOut(OfPatientOut):
    """A new value of a patient's setting."""

    Key = serializers.CharField(source="key")
    Value = related("value")
    Created_By = related_uuid("created_by.uuid")

    class Meta:
        model = SettingChange
        fields = ["Patient_UUID", "Key", "Value", "Created_By", "Created_Date"]


class UsersStatusChangeReasonsReportOut(ContractSerializer):
    """A change of a login's status."""

    User_UUID = serializers.UUIDField(source="user.uuid")
    From_Status = serializers.CharField(source="from_status")
    To_Status = serializers.CharField(source="to_status")
    Reason = related("reason")
    Created_By = related_uuid("created_by.uuid")
    Created_Date = LocalTime("created_at")
    Processed_Date = LocalTime("processed_at", nullable=True)

    class Meta:
        model = UserStatusChange
        fields = ["User_UUID", "From_Status", "To_Status", "Reason", "Created_By", "Created_Date", "Processed_Date"]

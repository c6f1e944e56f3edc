"""Bodies of the examples in the OpenAPI documents, by operation: of a create first, which also says in what order rows are made.

`@name` is the id of the row that the list `name` has got in the same run, and `@version` the version of the row that is changed.
"""

from typing import Any

PATIENT = {
    "first_name": "Ada",
    "last_name": "Quist",
    "date_of_birth": "1984-05-17",
    "gender": "female",
    "email": "ada.quist@mail.example",
    "mobile_phone": "+1 212 555 0100",
    "address_line1": "12 Elm Street",
    "city": "Hill Valley",
    "state": "NY",
    "postal_code": "10001",
    "country": "US",
    "chart_number": "C-1042",
    "primary_provider_uuid": "@providers",
    "location_uuid": "@locations",
    "preferred_contact_method": "email",
    "receives_email": True,
}
RULE = {"kind": "measurement", "instrument": "weight", "op": ">", "value": 120, "flag": "orange"}

PRACTICE: dict[str, dict[str, Any]] = {
    # --- catalogs ---------------------------------------------------------------------------------
    "create_provider": {"name": "Dr. Lena Morris", "title": "DDS", "specialty": "Orthodontics"},
    "create_location": {"name": "Main street", "address": "1 Main Street, Hill Valley", "is_active": True},
    "create_fee_schedule": {"name": "Standard"},
    "create_billing_type": {"name": "Private"},
    "create_employer": {"name": "Hill Valley Mills"},
    "create_referral_source": {"name": "Website"},
    "create_referral_partner": {"name": "Dr. Owen Hart"},
    "create_communication_type": {"name": "Recall"},
    "create_care_group": {"name": "Diabetes team"},
    "create_allergy_definition": {"name": "Latex"},
    "create_medication_definition": {"name": "Ibuprofen 400 mg"},
    "create_disease_definition": {"name": "Hypertension"},
    "create_program": {"name": "Heart failure"},
    "create_instrument": {
        "name": "Weight",
        "code": "weight",
        "kind": "numeric",
        "unit": "kg",
        "scale_min": 20,
        "scale_max": 300,
    },
    "create_protocol": {
        "name": "Daily weight",
        "program_uuid": "@programs",
        "schedule": [{"instrument": "weight", "every_days": 1, "from_day": 0, "to_day": 90}],
        "rules": [RULE],
    },
    "create_workflow": {"name": "Check-in", "program_uuid": "@programs", "days": [7, 30]},
    "create_alert_definition": {"name": "Needs an interpreter", "category": "Access", "default_scope": "patient"},
    "create_field_definition": {
        "name": "Preferred chair",
        "field_type": "dropdown",
        "dropdown_options": ["Left", "Right"],
        "is_required": False,
    },
    "create_tag_definition": {"name": "VIP", "category": "Service", "color": "#0f766e"},
    # --- patients and charts ----------------------------------------------------------------------
    "create_patient": PATIENT,
    "import_patients": {
        "meta": {"mode": "create", "on_error": "continue"},
        "rows": [{"first_name": "Bo", "last_name": "Ek", "chart_number": "C-2001"}, {"first_name": "Cy", "last_name": "Day"}],
    },
    "check_duplicates": {"last_name": "Quist", "date_of_birth": "1984-05-17", "email": "ada.quist@mail.example"},
    "create_appointment": {
        "patient_uuid": "@patients",
        "provider_uuid": "@providers",
        "location_uuid": "@locations",
        "starts_at": "2024-03-02T14:00:00Z",
        "ends_at": "2024-03-02T14:30:00Z",
        "note": "Check-up",
    },
    "create_alert": {"alert_definition_uuid": "@patient-alert-definitions", "note": "Speaks Dutch", "is_urgent": True},
    "create_allergy": {"allergy_definition_uuid": "@allergy-definitions", "reaction": "Rash", "severity": "moderate"},
    "create_communication_log": {
        "communication_datetime": "2024-03-02T09:30:00Z",
        "communication_type_uuid": "@communication-types",
        "mode": "phone",
        "direction": "sent",
        "note": "Confirmed the appointment",
    },
    "create_disease": {"disease_definition_uuid": "@disease-definitions", "problem_status": "active", "date_start": "2021-04-01"},
    "create_medication": {
        "medication_definition_uuid": "@medication-definitions",
        "dosage": "400 mg",
        "frequency": "three times a day",
        "route": "oral",
        "date_start": "2024-03-02",
    },
    "create_rule_override": {"kind": "measurement", "instrument": "weight", "rules": [{**RULE, "value": 110}]},
    "create_referral_attribution": {"referral_source_uuid": "@referral-sources", "attribution_role": "primary"},
    "create_relationship": {"to_patient_uuid": "@relative", "relationship_type": "parent", "is_guardian": True},
    "create_social_history_entry": {"category": "tobacco", "value": "Never smoked", "date_start": "2024-03-02"},
    "assign_tag": {"tag_definition_uuid": "@patient-tag-definitions"},
    "create_vital_signs": {
        "date_taken": "2024-03-02",
        "bp_systolic": 118,
        "bp_diastolic": 76,
        "pulse": 64,
        "temperature_f": 98.6,
        "height_inches": 66,
        "weight_lbs": 143.5,
    },
    "set_field_values": {"fields": [{"field_definition_uuid": "@patient-field-definitions", "value": "Left"}]},
    # --- webhooks ---------------------------------------------------------------------------------
    "create_webhook_endpoint": {
        "url": "https://hooks.clinic.example/anamnesis",
        "description": "Recall letters",
        "event_types": ["patient.created", "appointment.cancelled"],
        "ordered_by_patient": True,
    },
    "update_webhook_endpoint": {"base_version": "@version", "event_types": ["patient.created", "patient.updated"]},
    "rotate_webhook_secret": {"base_version": "@version"},
    "replay_webhook_deliveries": {"since": "@since"},
    # --- changes ----------------------------------------------------------------------------------
    "update_patient": {"base_version": "@version", "mobile_phone": "+1 212 555 0199"},
    "update_appointment": {"base_version": "@version", "status": "confirmed"},
    "update_alert": {"base_version": "@version", "note": "Speaks Dutch and German"},
    "update_allergy": {"base_version": "@version", "severity": "severe"},
    "update_disease": {"base_version": "@version", "problem_status": "resolved", "date_stop": "2024-03-02"},
    "update_medication": {
        "base_version": "@version",
        "status": "discontinued",
        "date_stop": "2024-03-09",
        "discontinuation_reason": "No longer needed",
    },
    "update_rule_override": {"base_version": "@version", "rules": [{**RULE, "value": 115}]},
    "update_referral_attribution": {"base_version": "@version", "source_note": "Found us by the map"},
    "update_relationship": {"base_version": "@version", "note": "Lives elsewhere"},
    "update_social_history_entry": {"base_version": "@version", "value": "Stopped smoking"},
    "update_vital_signs": {"base_version": "@version", "pulse": 66},
    "disable_alert": {"base_version": "@version"},
    "dismiss_alerts": {"alert_uuids": ["@alerts"]},
    "merge_patient": {
        "other_patient_uuid": "@relative",
        "base_version": "@version",
        "other_base_version": "@version of relative",
        "choices": {"address": "other", "email": "survivor"},
    },
    "transition_patient_status": {"base_version": "@version", "new_status": "inactive"},
}

PUBLIC: dict[str, dict[str, Any]] = {
    "create_patient": {
        "accountName": "ada.quist",
        "email": "ada.quist@mail.example",
        "organizationId": "@organization",
        "groupId": "@group",
        "programId": "@program",
        "protocolId": "@protocol",
        "firstName": "Ada",
        "lastName": "Quist",
        "sex": "female",
        "dateOfBirth": "1984-05-17",
        "phoneNumber": "+31612345678",
        "language": "en",
        "timezone": "Europe/Amsterdam",
        "patientNumber": "C-1042",
    },
    "record_measurements": {
        "instrument": "weight",
        "value": 72.5,
        "measuredAt": "2024-03-02T07:30:00+01:00",
        "comment": "Before breakfast",
        "externalId": "scale-2024-03-02",
    },
    "create_planned_action": {
        "instrument": "weight",
        "notBefore": "2099-03-03T07:00:00+01:00",
        "expiresAt": "2099-03-03T12:00:00+01:00",
    },
    "create_star_rating": {"score": 450, "remarks": "Friendly, and on time"},
    "process_monitoring_alert": {"status": "processed", "processedType": "contacted_patient", "action": "Called the patient"},
    "issue_api_key": {"description": "Integration engine", "expiresAt": "2099-12-31T00:00:00Z"},
}

GENERAL: dict[str, dict[str, Any]] = {
    "create_patient": {
        "patient": {
            "first_name": "Ada",
            "last_name": "Quist",
            "date_of_birth": "1984-05-17",
            "gender": "female",
            "phone": "+31612345678",
            "email": "ada.quist@mail.example",
            "address": {"street": "12 Elm Street", "city": "Hill Valley", "state": "NY", "zip_code": "10001"},
        }
    },
    "record_gauge": {"gauge": {"gauge_type": "weight", "value": 72.5, "recorded_at": "2024-03-02T07:30:00Z"}},
    "update_patient": {"patient": {"phone": "+31687654321"}},
}

BODIES = {"practice": PRACTICE, "public": PUBLIC, "general": GENERAL}

BATCHES = {
    "record_measurements": [
        {
            "measurements": [
                {
                    "instrument": "weight",
                    "value": 72.5,
                    "measuredAt": "2024-03-02T07:30:00+01:00",
                    "externalId": "scale-2024-03-02",
                },
                {
                    "instrument": "weight",
                    "value": 72.1,
                    "measuredAt": "2024-03-03T07:30:00+01:00",
                    "externalId": "scale-2024-03-03",
                },
            ]
        }
    ]
}
"""What an operation takes beside its usual body, in the order in which the document has the variants."""

"""The catalogs of the demo's organizations. Allergens and medications come from the starter catalog.

Codes were read from the Synthea sample: SNOMED CT of diseases from its conditions.csv, LOINC and units from
observations.csv. What the sample lacks has no code.
"""

from typing import Any

from accounts.models.catalogs import Catalog
from clinical.models import (
    AlertDefinition,
    AlertScope,
    CodeSystem,
    CommunicationType,
    DiseaseDefinition,
    Flag,
    Instrument,
    RuleKind,
)
from clinical.scales import possible_scale
from clinical.services.instruments import GAUGES
from patients.models import (
    BillingType,
    Employer,
    FeeSchedule,
    FieldDefinition,
    FieldType,
    Location,
    Program,
    Provider,
    ReferralPartner,
    ReferralSource,
    TagDefinition,
)

Row = dict[str, Any]


def _named(*names: str) -> tuple[Row, ...]:
    return tuple({"name": name} for name in names)


def _coded(system: CodeSystem, *concepts: tuple[str, str]) -> tuple[Row, ...]:
    return tuple({"name": name, "concept_code": code, "concept_system": system} for code, name in concepts)


def _measured(name: str, code: str, loinc: str, unit: str) -> Row:
    least, most, _ = possible_scale(code, loinc, unit)
    concept = {"concept_code": loinc, "concept_system": CodeSystem.LOINC}
    return {"name": name, "code": code, "unit": unit, "scale_min": least, "scale_max": most, **concept}


def _gauges() -> tuple[Row, ...]:
    """Return the instruments that come with the product."""
    return tuple(
        {"name": name, "code": code, "scale_min": least, "scale_max": most} for code, (name, least, most) in GAUGES.items()
    )


CATALOGS: dict[type[Catalog], tuple[Row, ...]] = {
    Provider: (
        {"name": "Marta Lindqvist", "title": "Dr.", "specialty": "Family medicine"},
        {"name": "Owen Castellano", "title": "Dr.", "specialty": "Internal medicine"},
        {"name": "Priya Raman", "title": "NP", "specialty": "Diabetes care"},
    ),
    Location: ({"name": "Main street", "address": "12 Main Street"}, {"name": "Harbour side", "address": "3 Quay Road"}),
    FeeSchedule: _named("Standard fees", "Reduced fees"),
    BillingType: _named("Private", "Insurance"),
    Employer: _named("Harbour Bakery", "County Schools", "Lakeside Logistics"),
    ReferralSource: _named("Website", "Word of mouth"),
    ReferralPartner: _named("Quayside Dental", "St. Brendan Hospital"),
    TagDefinition: (
        {"name": "Needs interpreter", "category": "Access", "color": "#0f766e", "item_order": 1},
        {"name": "Wheelchair", "category": "Access", "color": "#1d4ed8", "item_order": 2},
        {"name": "Prefers mornings", "category": "Planning", "color": "#a16207", "item_order": 3},
    ),
    FieldDefinition: (
        {"name": "School or employer", "field_type": FieldType.TEXT, "item_order": 1},
        {"name": "Preferred hand", "field_type": FieldType.DROPDOWN, "dropdown_options": ["Left", "Right"], "item_order": 2},
        {"name": "Consented on", "field_type": FieldType.DATE, "item_order": 3},
    ),
    AlertDefinition: (
        {"name": "Falls risk", "category": "Safety", "default_is_urgent": True, "item_order": 1},
        {"name": "Custody arrangement", "category": "Family", "default_scope": AlertScope.FAMILY, "item_order": 2},
    ),
    DiseaseDefinition: _coded(
        CodeSystem.SNOMED_CT,
        ("59621000", "Hypertension"),
        ("15777000", "Prediabetes"),
        ("53741008", "Coronary Heart Disease"),
        ("55822004", "Hyperlipidemia"),
        ("233678006", "Childhood asthma"),
    ),
    Instrument: (
        _measured("Heart rate", "heart_rate", "8867-4", "/min"),
        _measured("Systolic blood pressure", "bp_systolic", "8480-6", "mm[Hg]"),
        _measured("Diastolic blood pressure", "bp_diastolic", "8462-4", "mm[Hg]"),
        _measured("Body weight", "weight", "29463-7", "kg"),
        _measured("Glucose", "glucose", "2339-0", "mg/dL"),
        *_gauges(),
    ),
    CommunicationType: _named("Appointment reminder", "Test result", "Billing question"),
    Program: _named("Diabetes at home", "Heart failure at home"),
}


def _every(days: int, *codes: str) -> list[Row]:
    """Return schedule lines that measure each of these instruments every `days` days, for twelve weeks."""
    return [{"instrument": code, "every_days": days, "from_day": 0, "to_day": 83} for code in codes]


def _when(code: str, op: str, value: float) -> Row:
    return {"instrument": code, "op": op, "value": value}


def _threshold(code: str, op: str, value: float, flag: Flag) -> Row:
    return {"kind": RuleKind.MEASUREMENT, **_when(code, op, value), "flag": flag}


def _weekly_mean(code: str, op: str, value: float, flag: Flag) -> Row:
    return {"kind": RuleKind.AVERAGE, **_when(code, op, value), "window_days": 7, "min_count": 4, "flag": flag}


def _overdue(code: str, grace_hours: int, flag: Flag) -> Row:
    return {"kind": RuleKind.OVERDUE, "instrument": code, "grace_hours": grace_hours, "flag": flag}


_REMARK: Row = {"kind": RuleKind.REMARK, "flag": Flag.GREY}
_STRAINED: Row = {
    "kind": RuleKind.COMBINATION,
    "all": [_when("bp_systolic", ">=", 165), _when("heart_rate", ">=", 100)],
    "within_days": 1,
    "flag": Flag.RED,
}

# Schedules and rules by program and protocol name. The numbers are examples, not medical advice.
PROTOCOLS: dict[str, dict[str, dict[str, list[Row]]]] = {
    "Diabetes at home": {
        "Daily glucose": {
            "schedule": [*_every(1, "glucose"), *_every(7, "medication_adherence")],
            "rules": [
                _threshold("glucose", ">", 180, Flag.ORANGE),
                _threshold("glucose", ">", 250, Flag.RED),
                _threshold("glucose", "<", 70, Flag.RED),
                _weekly_mean("glucose", ">", 150, Flag.ORANGE),
                _overdue("glucose", 12, Flag.ORANGE),
                _REMARK,
            ],
        },
        "Weekly glucose": {
            "schedule": _every(7, "glucose"),
            "rules": [_threshold("glucose", ">", 200, Flag.ORANGE), _overdue("glucose", 48, Flag.GREY), _REMARK],
        },
    },
    "Heart failure at home": {
        "Daily weight and blood pressure": {
            "schedule": [*_every(1, "weight", "bp_systolic", "bp_diastolic", "heart_rate"), *_every(7, "mood")],
            "rules": [
                _threshold("bp_systolic", ">=", 160, Flag.ORANGE),
                _threshold("bp_systolic", ">=", 180, Flag.RED),
                _STRAINED,
                _weekly_mean("bp_systolic", ">=", 150, Flag.ORANGE),
                _overdue("weight", 12, Flag.ORANGE),
                _REMARK,
            ],
        },
    },
}
# The workflow of each program, and the days on which it fires.
WORKFLOW, WORKFLOW_DAYS = "Ask how it goes", (1, 7, 28)

"""Triggers on the tables of charts."""

from config.core.migrations import MovedUpdatedAt
from patients.triggers import RowMoves

# Who works on an alert is shown to no client.
CLAIM = ("claimed_by_id", "claimed_until")
UPDATED_AT = MovedUpdatedAt(
    "clinical",
    {
        "clinical_alert": (),
        "clinical_allergy": (),
        "clinical_appointment": (),
        "clinical_communicationlog": (),
        "clinical_disease": (),
        "clinical_measurement": (),
        "clinical_medication": (),
        "clinical_monitoringalert": CLAIM,
        "clinical_ruleoverride": (),
        "clinical_socialhistory": (),
        "clinical_vitalsigns": (),
    },
)
MOVES = RowMoves("clinical", UPDATED_AT.tables)

"""The words of the audit trail for what is done to charts, and in remote monitoring."""

from accounts.audit_words import Nouns, Phrase, add_fields, add_lists, add_nouns, add_phrases

add_nouns(
    {
        "alert": Nouns("chart alert", "chart alerts"),
        "alert_definition": Nouns("kind of chart alerts", "kinds of chart alerts"),
        "communication_log": Nouns("call or message", "calls and messages"),
        "disease": Nouns("problem", "problems"),
        "disease_definition": Nouns("kind of problems", "kinds of problems"),
        "rule_override": Nouns("limit of the patient’s own", "limits of the patient’s own"),
        "social_history_entry": Nouns("social history", "social history", ""),
        "star_rating": Nouns("rating of the care", "ratings of the care"),
        "vital_signs": Nouns("vital signs", "vital signs", ""),
        "workflow_firing": Nouns("workflow that fired", "workflows that fired"),
    }
)
add_fields(
    {
        "med_descript": "name",
        "date_start": "start",
        "date_stop": "end",
        "date_disabled": None,
        "cancellation_reason": None,
        "confirmed_at": None,
        "arrived_at": None,
        "started_at": None,
        "completed_at": None,
        "cancelled_at": None,
        "no_show_at": None,
    }
)
add_lists({"appointment.search", "monitoring_alert.search"})
add_phrases(
    {
        "alert.bulk_dismiss": Phrase("archived chart alerts", "archive chart alerts"),
        "communication_log.create": Phrase("noted {one}", "note {one}"),
        "disease.resolve": Phrase("marked {this} of {patients} as resolved", "mark {one} of {patients} as resolved"),
        "medication.hold": Phrase("put {this} of {patients} on hold", "put {one} of {patients} on hold"),
        "medication.resume": Phrase("resumed {this}", "resume {one}"),
        "medication.stop": Phrase("stopped {this}", "stop {one}"),
        "monitoring_alert.claim": Phrase("began to look at {this}", "look at {one}"),
        "monitoring_alert.escalate": Phrase("escalated {this}", "escalate {one}"),
        "monitoring_alert.raise": Phrase("raised {this}", "raise {one}"),
        "monitoring_alert.raise_flag": Phrase("raised the flag of {this}", "raise the flag of {one}"),
        "monitoring_alert.review": Phrase("looked again at {this}", "look again at {one}"),
        "workflow.fire": Phrase("had a workflow fire for {patients}", "have a workflow fire"),
    }
)

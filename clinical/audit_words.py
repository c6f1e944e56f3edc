"""The words of the audit trail for what is done to charts, and in remote monitoring."""

from accounts.audit_words import Nouns, Phrase, add_lists, add_nouns, add_phrases

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
add_lists({"appointment.search", "monitoring_alert.search"})
add_phrases(
    {
        "alert.bulk_dismiss": Phrase("archived chart alerts", "archive chart alerts"),
        "communication_log.create": Phrase("noted {one}", "note {one}"),
        "disease.resolve": Phrase("marked {this} as resolved", "mark {one} as resolved"),
        "medication.hold": Phrase("put {this} on hold", "put {one} on hold"),
        "medication.resume": Phrase("resumed {this}", "resume {one}"),
        "medication.stop": Phrase("stopped {this}", "stop {one}"),
        "monitoring_alert.claim": Phrase("began to look at {this}", "look at {one}"),
        "monitoring_alert.escalate": Phrase("escalated {this}", "escalate {one}"),
        "monitoring_alert.raise": Phrase("had {this} raised by a measurement", "raise {one}"),
        "monitoring_alert.raise_flag": Phrase("had the flag of {this} raised", "raise the flag of {one}"),
        "monitoring_alert.review": Phrase("looked again at {this}", "look again at {one}"),
        "workflow.fire": Phrase("had a workflow fire for {patients}", "have a workflow fire"),
    }
)

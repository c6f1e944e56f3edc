"""The words of the audit trail for what is done to charts, and in remote monitoring."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.audit_words import Nouns, Phrase, add_fields, add_lists, add_nouns, add_phrases

add_nouns(
    {
        "alert": Nouns(_("a chart alert"), _("the chart alert “{name}”"), _("chart alerts")),
        "alert_definition": Nouns(
            _("a kind of chart alerts"), _("the kind of chart alerts “{name}”"), _("kinds of chart alerts")
        ),
        "allergy": Nouns(_("an allergy"), _("the allergy “{name}”"), _("allergies")),
        "allergy_definition": Nouns(_("an allergy definition"), _("the allergy definition “{name}”"), _("allergy definitions")),
        "appointment": Nouns(_("an appointment"), _("the appointment “{name}”"), _("appointments")),
        "communication_log": Nouns(
            pgettext_lazy("audit trail", "a call or message"), _("the call or message “{name}”"), _("calls and messages")
        ),
        "communication_type": Nouns(_("a communication type"), _("the communication type “{name}”"), _("communication types")),
        "disease": Nouns(_("a problem"), _("the problem “{name}”"), _("problems")),
        "disease_definition": Nouns(_("a kind of problems"), _("the kind of problems “{name}”"), _("kinds of problems")),
        "instrument": Nouns(_("an instrument"), _("the instrument “{name}”"), _("instruments")),
        "measurement": Nouns(_("a measurement"), _("the measurement “{name}”"), _("measurements")),
        "medication": Nouns(_("a medication"), _("the medication “{name}”"), _("medications")),
        "medication_definition": Nouns(
            _("a medication definition"), _("the medication definition “{name}”"), _("medication definitions")
        ),
        "monitoring_alert": Nouns(_("a monitoring alert"), _("the monitoring alert “{name}”"), _("monitoring alerts")),
        "planned_action": Nouns(_("a planned action"), _("the planned action “{name}”"), _("planned actions")),
        "rule_override": Nouns(
            _("a limit of the patient’s own"), _("the limit of the patient’s own “{name}”"), _("limits of the patient’s own")
        ),
        "social_history_entry": Nouns(_("social history"), _("the social history “{name}”"), _("social history")),
        "star_rating": Nouns(_("a rating of the care"), _("the rating of the care “{name}”"), _("ratings of the care")),
        "vital_signs": Nouns(_("vital signs"), _("the vital signs “{name}”"), _("vital signs")),
        "workflow": Nouns(_("a workflow"), _("the workflow “{name}”"), _("workflows")),
        "workflow_firing": Nouns(_("a workflow that fired"), _("the workflow that fired “{name}”"), _("workflows that fired")),
    }
)
add_fields(
    {
        "med_descript": _("name"),
        "date_start": pgettext_lazy("day", "start"),
        "date_stop": pgettext_lazy("day", "end"),
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
        "alert.bulk_dismiss": Phrase(_("archived chart alerts[ of {patients}]"), _("archive chart alerts[ of {patients}]")),
        "communication_log.create": Phrase(_("noted {one}[ of {patients}]"), _("note {one}[ of {patients}]")),
        "disease.resolve": Phrase(_("marked {this}[ of {patients}] as resolved"), _("mark {one}[ of {patients}] as resolved")),
        "medication.hold": Phrase(
            _("put {this}[ of {patients}] on hold"), pgettext_lazy("infinitive", "put {one}[ of {patients}] on hold")
        ),
        "medication.resume": Phrase(_("resumed {this}[ of {patients}]"), _("resume {one}[ of {patients}]")),
        "medication.stop": Phrase(_("stopped {this}[ of {patients}]"), _("stop {one}[ of {patients}]")),
        "monitoring_alert.claim": Phrase(_("began to look at {this}[ of {patients}]"), _("look at {one}[ of {patients}]")),
        "monitoring_alert.escalate": Phrase(_("escalated {this}[ of {patients}]"), _("escalate {one}[ of {patients}]")),
        "monitoring_alert.raise": Phrase(_("raised {this}[ of {patients}]"), _("raise {one}[ of {patients}]")),
        "monitoring_alert.raise_flag": Phrase(
            _("raised the flag of {this}[ of {patients}]"), _("raise the flag of {one}[ of {patients}]")
        ),
        "monitoring_alert.review": Phrase(_("looked again at {this}[ of {patients}]"), _("look again at {one}[ of {patients}]")),
        "workflow.fire": Phrase(_("had a workflow fire for {patients}"), _("have a workflow fire[ of {patients}]")),
    }
)

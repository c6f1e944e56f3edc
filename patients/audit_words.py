"""The words of the audit trail for what is done to patients, and to what belongs to them."""

from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.audit_words import Nouns, Phrase, add_lists, add_nouns, add_phrases

add_nouns(
    {
        "billing_type": Nouns(_("a billing type"), _("the billing type “{name}”"), _("billing types")),
        "duplicate_pair": Nouns(_("a pair of records"), _("the pair of records “{name}”"), _("pairs of records")),
        "employer": Nouns(_("an employer"), _("the employer “{name}”"), _("employers")),
        "enrolment": Nouns(_("an enrolment"), _("the enrolment “{name}”"), _("enrolments")),
        "fee_schedule": Nouns(_("a fee schedule"), _("the fee schedule “{name}”"), _("fee schedules")),
        "field_definition": Nouns(_("a field definition"), _("the field definition “{name}”"), _("field definitions")),
        "field_value": Nouns(_("an own field"), _("the own field “{name}”"), _("own fields")),
        "location": Nouns(_("a location"), _("the location “{name}”"), _("locations")),
        "patient": Nouns(_("a patient"), _("the patient “{name}”"), _("patients")),
        "patient_import": Nouns(_("an import of patients"), _("the import of patients “{name}”"), _("imports of patients")),
        "patient_mutation": Nouns(
            _("a change of program, group or status"),
            _("the change of program, group or status “{name}”"),
            _("changes of programs, groups and status"),
        ),
        "program": Nouns(_("a program"), _("the program “{name}”"), _("programs")),
        "protocol": Nouns(_("a protocol"), _("the protocol “{name}”"), _("protocols")),
        "provider": Nouns(_("a provider"), _("the provider “{name}”"), _("providers")),
        "referral_attribution": Nouns(_("a referral"), _("the referral “{name}”"), _("referrals")),
        "referral_partner": Nouns(_("a referral partner"), _("the referral partner “{name}”"), _("referral partners")),
        "referral_source": Nouns(_("a referral source"), _("the referral source “{name}”"), _("referral sources")),
        "relationship": Nouns(pgettext_lazy("audit trail", "a relationship"), _("the relationship “{name}”"), _("relationships")),
        "setting_change": Nouns(_("a change of a setting"), _("the change of a setting “{name}”"), _("changes of settings")),
        "tag": Nouns(_("a tag"), _("the tag “{name}”"), _("tags")),
        "tag_definition": Nouns(_("a tag definition"), _("the tag definition “{name}”"), _("tag definitions")),
    }
)
add_lists({"patient.by_location", "patient.check_duplicates", "patient.match", "patient.search"})
add_phrases(
    {
        "duplicate_pair.set_aside": Phrase(
            _("set the records of {patients} aside as those of two persons"),
            _("set records aside as those of two persons[: {patients}]"),
        ),
        "duplicate_pair.take_back": Phrase(
            _("suspected again that the records of {patients} are of one person"),
            _("suspect again that records are of one person[: {patients}]"),
        ),
        "patient.archive": Phrase(_("archived the chart[ of {patients}]"), _("archive the chart[ of {patients}]")),
        "patient.bulk": Phrase(_("sent {patients} in one request"), _("send patients in one request[ of {patients}]")),
        "patient.bulk_create": Phrase(
            _("registered {patients} in one request"), _("register patients in one request[ of {patients}]")
        ),
        "patient.bulk_update": Phrase(
            _("changed {patients} in one request"), _("change patients in one request[ of {patients}]")
        ),
        "patient.by_location": Phrase(_("counted patients by location"), _("count patients by location")),
        "patient.check_duplicates": Phrase(
            _("looked for duplicates and saw {patients}"), _("look for duplicates[ of {patients}]")
        ),
        "patient.csv": Phrase(_("exported {patients} as CSV"), _("export patients as CSV[ of {patients}]")),
        "patient.create": Phrase(_("registered {patients}"), _("register a patient")),
        "patient.export_readers": Phrase(
            _("made a file of who read the chart[ of {patients}]"), _("make a file of who read the chart[ of {patients}]")
        ),
        "patient.family": Phrase(_("looked at the family[: {patients}]"), _("look at the family[ of {patients}]")),
        "patient.history": Phrase(
            _("looked at the history of the record[ of {patients}]"), _("look at the history of the record[ of {patients}]")
        ),
        "patient.match": Phrase(
            _("was told that a new patient resembles {patients}"), _("be told whom a new patient resembles[ of {patients}]")
        ),
        "patient.medical_summary": Phrase(
            _("read the medical summary[ of {patients}]"),
            pgettext_lazy("infinitive", "read the medical summary[ of {patients}]"),
        ),
        "patient.merge": Phrase(_("merged the records[ of {patients}]"), _("merge the records[ of {patients}]")),
        "patient.preview_merge": Phrase(_("compared the records[ of {patients}]"), _("compare the records[ of {patients}]")),
        "patient.ndjson": Phrase(_("exported {patients} as NDJSON"), _("export patients as NDJSON[ of {patients}]")),
        "patient.print": Phrase(_("printed the summary[ of {patients}]"), _("print the summary[ of {patients}]")),
        "patient.read": Phrase(_("opened the chart[ of {patients}]"), _("open the chart[ of {patients}]")),
        "patient.readers": Phrase(_("asked who read the chart[ of {patients}]"), _("ask who read the chart[ of {patients}]")),
        "patient.record_death": Phrase(_("recorded the death[ of {patients}]"), _("record the death[ of {patients}]")),
        "patient.refresh": Phrase(
            _("read a part of the chart[ of {patients}]"),
            pgettext_lazy("infinitive", "read a part of the chart[ of {patients}]"),
        ),
        "patient.restore": Phrase(_("restored the chart[ of {patients}]"), _("restore the chart[ of {patients}]")),
        "patient.reveal_numbers": Phrase(
            _("read the identity numbers[ of {patients}]"),
            pgettext_lazy("infinitive", "read the identity numbers[ of {patients}]"),
        ),
        "patient.search": Phrase(_("saw {patients} in a list or search"), _("see a list of patients[ of {patients}]")),
        "patient.transition": Phrase(_("changed the status[ of {patients}]"), _("change the status[ of {patients}]")),
        "patient.transition_status": Phrase(_("changed the status[ of {patients}]"), _("change the status[ of {patients}]")),
        "patient.unmerge": Phrase(
            _("undid the merge of the records[ of {patients}]"), _("undo the merge of the records[ of {patients}]")
        ),
        "patient.update": Phrase(_("changed the record[ of {patients}]"), _("change the record[ of {patients}]")),
        "patient_import.complete": Phrase(_("completed {this}[ of {patients}]"), _("complete {one}[ of {patients}]")),
        "patient_import.create": Phrase(_("uploaded a file of patients"), _("upload a file of patients")),
        "patient_import.forget": Phrase(_("removed the file of {this}"), _("remove the file of {one}")),
        "patient_import.start": Phrase(_("started {this}"), _("start {one}")),
        "patient_import.stop": Phrase(_("discarded or stopped {this}"), _("stop {one}")),
        "patient_import.undo": Phrase(_("undid {this}[ of {patients}]"), _("undo {one}[ of {patients}]")),
        "relationship.dependents": Phrase(
            _("looked at the dependents[ of {patients}]"), _("look at the dependents[ of {patients}]")
        ),
        "relationship.guardians": Phrase(
            _("looked at the guardians[ of {patients}]"), _("look at the guardians[ of {patients}]")
        ),
    }
)

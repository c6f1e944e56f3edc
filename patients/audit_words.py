"""The words of the audit trail for what is done to patients, and to what belongs to them."""

from accounts.audit_words import Nouns, Phrase, add_lists, add_nouns, add_phrases

add_nouns(
    {
        "duplicate_pair": Nouns("pair of records", "pairs of records"),
        "field_value": Nouns("own field", "own fields", "an"),
        "patient_import": Nouns("import of patients", "imports of patients", "an"),
        "patient_mutation": Nouns("change of program, group or status", "changes of programs, groups and status"),
        "referral_attribution": Nouns("referral", "referrals"),
        "setting_change": Nouns("change of a setting", "changes of settings"),
    }
)
add_lists({"patient.by_location", "patient.check_duplicates", "patient.match", "patient.search"})
add_phrases(
    {
        "duplicate_pair.set_aside": Phrase(
            "set the records of {patients} aside as those of two persons", "set records aside as those of two persons"
        ),
        "duplicate_pair.take_back": Phrase(
            "suspected again that the records of {patients} are of one person", "suspect again that records are of one person"
        ),
        "patient.archive": Phrase("archived the chart", "archive the chart"),
        "patient.bulk": Phrase("sent {patients} in one request", "send patients in one request"),
        "patient.bulk_create": Phrase("registered {patients} in one request", "register patients in one request"),
        "patient.bulk_update": Phrase("changed {patients} in one request", "change patients in one request"),
        "patient.by_location": Phrase("counted patients by location", "count patients by location"),
        "patient.check_duplicates": Phrase("looked for duplicates and saw {patients}", "look for duplicates"),
        "patient.csv": Phrase("exported {patients} as CSV", "export patients as CSV"),
        "patient.create": Phrase("registered {patients}", "register a patient"),
        "patient.export_readers": Phrase("made a file of who read the chart", "make a file of who read the chart"),
        "patient.family": Phrase("looked at the family: {patients}", "look at the family"),
        "patient.history": Phrase("looked at the history of the record", "look at the history of the record"),
        "patient.match": Phrase("was told that a new patient resembles {patients}", "be told whom a new patient resembles"),
        "patient.medical_summary": Phrase("read the medical summary", "read the medical summary"),
        "patient.merge": Phrase("merged the records of {patients}", "merge the records of {patients}"),
        "patient.preview_merge": Phrase("compared the records of {patients}", "compare the records of {patients}"),
        "patient.ndjson": Phrase("exported {patients} as NDJSON", "export patients as NDJSON"),
        "patient.print": Phrase("printed the summary", "print the summary"),
        "patient.read": Phrase("opened the chart", "open the chart"),
        "patient.readers": Phrase("asked who read the chart", "ask who read the chart"),
        "patient.record_death": Phrase("recorded the death", "record the death"),
        "patient.refresh": Phrase("read a part of the chart", "read a part of the chart"),
        "patient.restore": Phrase("restored the chart", "restore the chart"),
        "patient.reveal_numbers": Phrase("read the identity numbers", "read the identity numbers"),
        "patient.search": Phrase("saw {patients} in a list or search", "see a list of patients"),
        "patient.transition": Phrase("changed the status", "change the status"),
        "patient.transition_status": Phrase("changed the status", "change the status"),
        "patient.unmerge": Phrase("undid the merge of the records of {patients}", "undo the merge of the records of {patients}"),
        "patient.update": Phrase("changed the record", "change the record"),
        "patient_import.complete": Phrase("completed {this}", "complete {one}"),
        "patient_import.create": Phrase("uploaded a file of patients", "upload a file of patients"),
        "patient_import.forget": Phrase("removed the file of {this}", "remove the file of {one}"),
        "patient_import.start": Phrase("started {this}", "start {one}"),
        "patient_import.stop": Phrase("discarded or stopped {this}", "stop {one}"),
        "patient_import.undo": Phrase("undid {this}", "undo {one}"),
        "relationship.dependents": Phrase("looked at the dependents", "look at the dependents"),
        "relationship.guardians": Phrase("looked at the guardians", "look at the guardians"),
    }
)

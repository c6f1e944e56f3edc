"""What the actions of the audit trail are called in sentences, such as "opened the chart of Hugo Abernathy".

An action is the word for a kind of rows and a verb: "allergy.create". The verbs that all kinds have are here. What reads
otherwise in English has a phrase of its own, and a kind that people call otherwise than its table has its nouns: each app
adds those of its actions (`add_phrases`, `add_nouns`), where it has its pages.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q, TextChoices

from accounts.models import AuditEvent

PATIENTS = "{patients}"
_OF_PATIENTS = f" of {PATIENTS}"


class Way(TextChoices):
    """In which way an action concerns what it is about, as the trail is filtered by."""

    READ = "read", "Read"
    LISTED = "listed", "Listed"
    CHANGED = "changed", "Changed"
    EXPORTED = "exported", "Exported"
    SIGNED_IN = "signed_in", "Sign-in"


class Nouns(NamedTuple):
    """What people call one row of a kind, and several. `article` is "" for what is not counted, such as vital signs."""

    one: str
    several: str
    article: str = "a"


class Phrase(NamedTuple):
    """What somebody did, and what they would have done had they not been refused.

    `{one}`, `{this}` and `{several}` stand for the kind: "an allergy", "the allergy Penicillin" where the row has a name that
    is known, "allergies". `{patients}` stands for the people whom it is about; without it they follow at the end, behind "of".
    `refused` is the whole of a refusal, where it is more than that it was tried.
    """

    past: str
    infinitive: str
    refused: str = ""


@dataclass(frozen=True)
class Sentence:
    """An action in words: what stands `before` the names of patients, and what `after` them."""

    before: str
    after: str

    @property
    def alone(self) -> str:
        """The words on a page about one patient, who is not named again."""
        return f"{self.before.removesuffix(' of ')}{'' if self.before.endswith(' of ') else 'the patient'}{self.after}"

    @property
    def of_nobody(self) -> str:
        """The words where no patient is known."""
        return f"{self.before.removesuffix(' of ')}{'' if self.before.endswith(' of ') else 'nobody'}{self.after}"


# What is no change: the verbs of each other way. A verb that stands nowhere here changes something.
VERBS_OF: Mapping[Way, frozenset[str]] = {
    Way.READ: frozenset(
        {
            "dependents",
            "family",
            "form",
            "guardians",
            "history",
            "medical_summary",
            "preview_merge",
            "print",
            "read",
            "readers",
            "refresh",
            "replay",
            "reveal_numbers",
            "search",
        }
    ),
    Way.EXPORTED: frozenset({"csv", "export", "export_readers", "ndjson"}),
    Way.SIGNED_IN: frozenset(
        {"accept", "ask_password_link", "lock_out", "login", "logout", "new_address", "refused", "use_password_link"}
    ),
}

_VERBS: dict[str, Phrase] = {
    "archive": Phrase("archived {this}", "archive {one}"),
    "bulk_create": Phrase("added {several}", "add {several}"),
    "bulk_update": Phrase("changed {several}", "change {several}"),
    "complete": Phrase("completed {this}", "complete {one}"),
    "create": Phrase("added {this}", "add {one}"),
    "csv": Phrase("exported {several} of {patients} as CSV", "export {several} as CSV"),
    "delete": Phrase("deleted {this}", "delete {one}"),
    "destroy": Phrase("removed {this}", "remove {one}"),
    "disable": Phrase("switched off {this}", "switch off {one}"),
    "end": Phrase("ended {this}", "end {one}"),
    "export": Phrase("exported {several} of {patients} to a file", "export {several} to a file"),
    "form": Phrase("opened {several}", "open {several}"),
    "history": Phrase("looked at the history of {one}", "look at the history of {one}"),
    "ndjson": Phrase("exported {several} of {patients} as NDJSON", "export {several} as NDJSON"),
    "plan": Phrase("planned {several}", "plan {several}"),
    "process": Phrase("processed {this}", "process {one}"),
    "read": Phrase("looked at {this}", "look at {one}"),
    "replay": Phrase("was sent the answer about {one} of {patients} again", "have an answer about {one} sent again"),
    "restore": Phrase("restored {this}", "restore {one}"),
    "revoke": Phrase("revoked {this}", "revoke {one}"),
    "search": Phrase("looked at {several}", "look at {several}"),
    "update": Phrase("changed {this}", "change {one}"),
    "upsert": Phrase("filled in {several}", "fill in {several}"),
}
# The actions that show many patients and little of each. The allergies of one patient are a list, too, and part of a chart.
_LISTS: set[str] = set()
_PHRASES: dict[str, Phrase] = {}
# Names of columns, where people call them otherwise; None for what follows from another change of the same row.
_FIELDS: dict[str, str | None] = {
    "created_by_id": None,
    "deleted_at": None,
    "link_sent_at": None,
    "patient_id": "the record that it belongs to",
    "session_version": None,
    "updated_at": None,
    "version": None,
}
FIELDS_SHOWN = 4
_NOUNS: dict[str, Nouns] = {}


def add_phrases(phrases: Mapping[str, Phrase]) -> None:
    """Say how actions are told, by their word, or by a verb that several kinds have."""
    for action, phrase in phrases.items():
        (_PHRASES if "." in action else _VERBS)[action] = phrase


def add_nouns(nouns: Mapping[str, Nouns]) -> None:
    """Say what people call the rows of kinds."""
    _NOUNS.update(nouns)


def add_lists(actions: Iterable[str]) -> None:
    """Say which actions show many patients in a list, which is another thing than to open the chart of one."""
    _LISTS.update(actions)


def add_fields(fields: Mapping[str, str | None]) -> None:
    """Say what people call columns, None for those that are not worth a word."""
    _FIELDS.update(fields)


def field_words(changed: str, shown: int = FIELDS_SHOWN) -> str:
    """Return the names of changed fields, separated by commas, in words: the first so many of them."""
    words = [_FIELDS.get(name, name.removesuffix("_id").replace("_", " ")) for name in changed.split(",") if name]
    known = [word for word in words if word]
    more = len(known) - shown
    return ", ".join([*known[:shown], *([f"{more} more"] if more > 0 else [])])


def fields_told(event: AuditEvent, shown: int = FIELDS_SHOWN) -> str:
    """Return which fields an event changed, in words; nothing where its verb says it, as that of a new row does."""
    return field_words(event.changed_fields, shown) if event.action.endswith(("update", ".upsert")) else ""


def way_of(action: str) -> Way:
    """Return the way of an action."""
    if action in _LISTS:
        return Way.LISTED
    verb = action.rpartition(".")[2]
    return next((way for way, verbs in VERBS_OF.items() if verb in verbs), Way.CHANGED)


def in_way(way: Way, prefix: str = "") -> Q:
    """Return the condition that an event is of a way; `prefix` is the lookup that leads to it."""
    listed = Q(**{f"{prefix}action__in": sorted(_LISTS)})
    if way == Way.LISTED:
        return listed
    if way == Way.CHANGED:
        return ~_ends_with(frozenset().union(*VERBS_OF.values()), prefix) & ~listed
    return _ends_with(VERBS_OF[way], prefix) & ~listed


def _ends_with(verbs: frozenset[str], prefix: str) -> Q:
    found = Q()
    for verb in sorted(verbs):
        found |= Q(**{f"{prefix}action__endswith": f".{verb}"})
    return found


def phrase_of(action: str) -> Phrase:
    """Return the words of an action. Raises LookupError for one that has none: `add_phrases` gives it some."""
    kind, _, verb = action.partition(".")
    phrase = _PHRASES.get(action) or _PHRASES.get(f"{kind}.*") or _VERBS.get(verb or kind)
    if phrase is None:
        raise LookupError(f"{action} has no words")
    return phrase


def sentence_of(action: str, *, refused: bool = False, name: str = "") -> Sentence:
    """Return an action in words. `name` is that of the row that it is about, where it is known.

    What an older release recorded and no code does any more is told by its word.
    """
    try:
        phrase = phrase_of(action)
    except LookupError:
        phrase = Phrase(f"did “{action}”", f"do “{action}”")
    tried = phrase.refused or f"tried to {phrase.infinitive}"
    words = tried if refused else phrase.past
    if PATIENTS not in words:
        words += _OF_PATIENTS
    if refused and not phrase.refused:
        words += " and was refused"
    # A name may contain anything, and so is put in last.
    before, _, after = words.partition(PATIENTS)
    return Sentence(_with_nouns(before, action, name), _with_nouns(after, action, name))


def nouns_of(kind: str) -> Nouns:
    """Return what people call the rows of a kind, which is a word such as "billing_type"."""
    one = kind.replace("_", " ")
    return _NOUNS.get(kind) or Nouns(one, f"{one.removesuffix('y')}ies" if one.endswith("y") else f"{one}s")


def _with_nouns(words: str, action: str, name: str) -> str:
    kind, _, verb = action.partition(".")
    nouns = nouns_of(kind)
    article = "an" if nouns.article == "a" and nouns.one[0] in "aeioAEI" else nouns.article
    one = f"{article} {nouns.one}".lstrip()
    named = f"the {nouns.one} “{name}”" if name else one
    for mark, noun in (("{one}", one), ("{this}", named), ("{several}", nouns.several), ("{verb}", verb.replace("_", " "))):
        words = words.replace(mark, noun)
    return words


# --- the words of this app --------------------------------------------------------------------------
add_nouns(
    {
        "API_key": Nouns("API key", "API keys"),
        "api_key": Nouns("API key", "API keys"),
        "audit_event": Nouns("audit event", "the audit trail"),
        "event": Nouns("event", "the stream of events"),
        "user": Nouns("login", "logins"),
        "user_status_change": Nouns("change of status of a login", "changes of status of logins"),
    }
)
add_lists({"audit_event.search"})
add_phrases(
    {
        "admin": Phrase("opened a page of the admin", "open a page of the admin"),
        "api_key.issue": Phrase("issued {this}", "issue {one}"),
        "api_key.new_address": Phrase("used {this} from a new address", "use {one} from a new address"),
        "audit_event.search": Phrase("looked at the audit trail and saw {patients}", "look at the audit trail"),
        "page.*": Phrase("opened the page “{verb}” of the admin", "open the page “{verb}” of the admin"),
        "second_factor.accept": Phrase("proved the second factor", "prove the second factor"),
        "second_factor.enrol": Phrase("set up a second factor", "set up a second factor"),
        "second_factor.refused": Phrase("gave a wrong code", "give a code", refused="gave a wrong code of the second factor"),
        "second_factor.remove": Phrase("removed a second factor", "remove a second factor"),
        "second_factor.reset": Phrase("reset a second factor", "reset a second factor"),
        "unknown": Phrase("asked for an unknown address", "ask for an address that there is not"),
        "user.ask_password_link": Phrase("asked for a link to choose a new password", "ask for a link to choose a new password"),
        "user.change_status": Phrase("changed the status of {this}", "change the status of {one}"),
        "user.invite": Phrase("sent an invitation for {this}", "send an invitation for {one}"),
        "user.lock_out": Phrase("was locked out", "sign in", refused="was locked out after too many attempts to sign in"),
        "user.login": Phrase("signed in", "sign in"),
        "user.logout": Phrase("signed out", "sign out"),
        "user.send_password_link": Phrase(
            "sent a link to choose a new password for {this}", "send a link to choose a new password for {one}"
        ),
        "user.use_password_link": Phrase("chose a password by a link", "choose a password by a link"),
    }
)

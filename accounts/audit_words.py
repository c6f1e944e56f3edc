"""What the actions of the audit trail are called in sentences, such as "opened the chart of Hugo Abernathy".

An action is the word for a kind of rows and a verb: "allergy.create". The verbs that all kinds have are here. What reads
otherwise has a phrase of its own, and each kind has its nouns: each app adds those of its actions (`add_phrases`,
`add_nouns`), where it has its pages. All are whole phrases, since languages order and inflect their words in different ways.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from django.db.models import Q, TextChoices
from django.utils.functional import Promise
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from accounts.models import AuditEvent

# A text that is translated when it is shown.
Text = str | Promise

PATIENTS = "{patients}"
# What is left out of a phrase where nobody is to be named: "opened the chart[ of {patients}]".
_OPTIONAL = re.compile(r"(?P<head>.*)\[(?P<lead>.*)\{patients\}(?P<trail>.*)\](?P<tail>.*)")


class Way(TextChoices):
    """In which way an action concerns what it is about, as the trail is filtered by."""

    READ = "read", pgettext_lazy("audit trail", "Read")
    LISTED = "listed", pgettext_lazy("audit trail", "Listed")
    CHANGED = "changed", pgettext_lazy("audit trail", "Changed")
    EXPORTED = "exported", pgettext_lazy("audit trail", "Exported")
    SIGNED_IN = "signed_in", pgettext_lazy("audit trail", "Sign-in")


class Nouns(NamedTuple):
    """What people call one row of a kind, the one with a `{name}`, and several, each with its article."""

    one: Text
    this: Text
    several: Text


class Phrase(NamedTuple):
    """What somebody did, and what they would have done had they not been refused.

    `{one}`, `{this}` and `{several}` stand for the kind: "an allergy", "the allergy “Penicillin”" where the row has a name that
    is known, "allergies". `{patients}` stands for the people whom it is about. What is in brackets around it is said only where
    they are named; a phrase without it has them at the end, behind "of". `refused` is the whole of a refusal, where it is more
    than that it was tried.
    """

    past: Text
    infinitive: Text
    refused: Text = ""


@dataclass(frozen=True)
class Sentence:
    """An action in words: what stands `before` the names of patients, and what `after` them.

    `alone` are the words on a page about one patient, who is not named again; `of_nobody` those where no patient is known.
    """

    before: str
    after: str
    alone: str
    of_nobody: str


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
    "archive": Phrase(_("archived {this}[ of {patients}]"), _("archive {one}[ of {patients}]")),
    "bulk_create": Phrase(_("added {several}[ of {patients}]"), _("add {several}[ of {patients}]")),
    "bulk_update": Phrase(_("changed {several}[ of {patients}]"), _("change {several}[ of {patients}]")),
    "complete": Phrase(_("completed {this}[ of {patients}]"), _("complete {one}[ of {patients}]")),
    "create": Phrase(_("added {this}[ of {patients}]"), _("add {one}[ of {patients}]")),
    "csv": Phrase(_("exported {several}[ of {patients}] as CSV"), _("export {several}[ of {patients}] as CSV")),
    "delete": Phrase(_("deleted {this}[ of {patients}]"), _("delete {one}[ of {patients}]")),
    "destroy": Phrase(_("removed {this}[ of {patients}]"), _("remove {one}[ of {patients}]")),
    "disable": Phrase(_("switched off {this}[ of {patients}]"), _("switch off {one}[ of {patients}]")),
    "end": Phrase(_("ended {this}[ of {patients}]"), _("end {one}[ of {patients}]")),
    "export": Phrase(_("exported {several}[ of {patients}] to a file"), _("export {several}[ of {patients}] to a file")),
    "form": Phrase(_("opened {several}[ of {patients}]"), _("open {several}[ of {patients}]")),
    "history": Phrase(_("looked at the history of {one}[ of {patients}]"), _("look at the history of {one}[ of {patients}]")),
    "ndjson": Phrase(_("exported {several}[ of {patients}] as NDJSON"), _("export {several}[ of {patients}] as NDJSON")),
    "plan": Phrase(_("planned {several}[ of {patients}]"), _("plan {several}[ of {patients}]")),
    "process": Phrase(_("processed {this}[ of {patients}]"), _("process {one}[ of {patients}]")),
    "read": Phrase(_("looked at {this}[ of {patients}]"), _("look at {one}[ of {patients}]")),
    "replay": Phrase(
        _("was sent the answer about {one}[ of {patients}] again"), _("have an answer about {one}[ of {patients}] sent again")
    ),
    "restore": Phrase(_("restored {this}[ of {patients}]"), _("restore {one}[ of {patients}]")),
    "revoke": Phrase(_("revoked {this}[ of {patients}]"), _("revoke {one}[ of {patients}]")),
    "search": Phrase(_("looked at {several}[ of {patients}]"), _("look at {several}[ of {patients}]")),
    "update": Phrase(_("changed {this}[ of {patients}]"), _("change {one}[ of {patients}]")),
    "upsert": Phrase(_("filled in {several}[ of {patients}]"), _("fill in {several}[ of {patients}]")),
}
# The actions that show many patients and little of each. The allergies of one patient are a list, too, and part of a chart.
_LISTS: set[str] = set()
_PHRASES: dict[str, Phrase] = {}
# Names of columns, where people call them otherwise; None for what follows from another change of the same row.
_FIELDS: dict[str, Text | None] = {
    "created_by_id": None,
    "deleted_at": None,
    "link_sent_at": None,
    "patient_id": _("the record that it belongs to"),
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


def add_fields(fields: Mapping[str, Text | None]) -> None:
    """Say what people call columns, None for those that are not worth a word."""
    _FIELDS.update(fields)


def field_words(changed: str, shown: int = FIELDS_SHOWN) -> str:
    """Return the names of changed fields, separated by commas, in words: the first so many of them."""
    words = [_FIELDS[name] if name in _FIELDS else _column_words(name) for name in changed.split(",") if name]
    known = [str(word) for word in words if word]
    more = len(known) - shown
    return ", ".join([*known[:shown], *([gettext("%(count)s more") % {"count": more}] if more > 0 else [])])


def _column_words(name: str) -> str:
    """Return the name of a column in words, those by which its model calls it; `<app>/model_names.py` lists them."""
    return gettext(name.removesuffix("_id").replace("_", " "))


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
    kind, _dot, verb = action.partition(".")
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
        phrase = Phrase(_("did “{action}”[ of {patients}]"), _("do “{action}”[ of {patients}]"))
    words = _refusal(phrase) if refused else _about_patients(phrase.past)
    # A name may contain anything, and so is put in last.
    return Sentence(*(_with_nouns(part, action, name) for part in _parts(words)))


def _refusal(phrase: Phrase) -> str:
    if phrase.refused:
        return _about_patients(phrase.refused)
    return gettext("tried to {infinitive} and was refused").replace("{infinitive}", _about_patients(phrase.infinitive))


def _about_patients(words: Text) -> str:
    """Return a phrase in the language of the request, with a place for patients."""
    text = str(words)
    return text if PATIENTS in text else text + gettext("[ of {patients}]")


def _parts(words: str) -> tuple[str, str, str, str]:
    """Return what stands before the names of patients, what after them, and both sentences without names."""
    if found := _OPTIONAL.fullmatch(words):
        alone = found["head"] + found["tail"]
        return found["head"] + found["lead"], found["trail"] + found["tail"], alone, alone
    before, _patients, after = words.partition(PATIENTS)
    return before, after, before + gettext("the patient") + after, before + gettext("nobody") + after


def nouns_of(kind: str) -> Nouns:
    """Return what people call the rows of a kind, which is a word such as "billing_type"."""
    return _NOUNS.get(kind) or _nouns_made(kind.replace("_", " "))


def _nouns_made(one: str) -> Nouns:
    """Return English nouns for a kind that has none yet, such as a new catalog."""
    article = "an" if one[0] in "aeioAEI" else "a"
    several = f"{one.removesuffix('y')}ies" if one.endswith("y") else f"{one}s"
    return Nouns(f"{article} {one}", f"the {one} “{{name}}”", several)


def _with_nouns(words: str, action: str, name: str) -> str:
    kind, _dot, verb = action.partition(".")
    nouns = nouns_of(kind)
    this = str(nouns.this).replace("{name}", name) if name else str(nouns.one)
    marks = {"{action}": action, "{one}": nouns.one, "{several}": nouns.several, "{verb}": verb.replace("_", " "), "{this}": this}
    for mark, noun in marks.items():
        words = words.replace(mark, str(noun))
    return words


# --- the words of this app --------------------------------------------------------------------------
_API_KEYS = Nouns(_("an API key"), _("the API key “{name}”"), _("API keys"))
add_nouns(
    {
        "API_key": _API_KEYS,
        "api_key": _API_KEYS,
        "audit_event": Nouns(_("an audit event"), _("the audit event “{name}”"), _("the audit trail")),
        "care_group": Nouns(_("a care group"), _("the care group “{name}”"), _("care groups")),
        "event": Nouns(_("an event"), _("the event “{name}”"), _("the stream of events")),
        "organization": Nouns(_("an organization"), _("the organization “{name}”"), _("organizations")),
        "second_factor": Nouns(_("a second factor"), _("the second factor “{name}”"), _("second factors")),
        "user": Nouns(_("a login"), _("the login “{name}”"), _("logins")),
        "user_status_change": Nouns(
            _("a change of status of a login"), _("the change of status of a login “{name}”"), _("changes of status of logins")
        ),
    }
)
add_lists({"audit_event.search"})
add_phrases(
    {
        "admin": Phrase(_("opened a page of the admin"), _("open a page of the admin")),
        "api_key.issue": Phrase(_("issued {this}"), _("issue {one}")),
        "api_key.new_address": Phrase(_("used {this} from a new address"), _("use {one} from a new address")),
        "audit_event.search": Phrase(_("looked at the audit trail and saw {patients}"), _("look at the audit trail")),
        "page.*": Phrase(_("opened the page “{verb}” of the admin"), _("open the page “{verb}” of the admin")),
        "second_factor.accept": Phrase(_("proved the second factor"), _("prove the second factor")),
        "second_factor.enrol": Phrase(_("set up a second factor"), pgettext_lazy("infinitive", "set up a second factor")),
        "second_factor.refused": Phrase(
            _("gave a wrong code"), _("give a code"), refused=_("gave a wrong code of the second factor")
        ),
        "second_factor.remove": Phrase(_("removed a second factor"), _("remove a second factor")),
        "second_factor.reset": Phrase(_("reset a second factor"), pgettext_lazy("infinitive", "reset a second factor")),
        "unknown": Phrase(_("asked for an unknown address"), _("ask for an address that there is not")),
        "user.ask_password_link": Phrase(
            _("asked for a link to choose a new password"), _("ask for a link to choose a new password")
        ),
        "user.change_status": Phrase(_("changed the status of {this}"), _("change the status of {one}")),
        "user.invite": Phrase(_("sent an invitation for {this}"), _("send an invitation for {one}")),
        "user.lock_out": Phrase(
            _("was locked out"), _("sign in"), refused=_("was locked out after too many attempts to sign in")
        ),
        "user.login": Phrase(_("signed in"), _("sign in")),
        "user.logout": Phrase(_("signed out"), _("sign out")),
        "user.send_password_link": Phrase(
            _("sent a link to choose a new password for {this}"), _("send a link to choose a new password for {one}")
        ),
        "user.use_password_link": Phrase(_("chose a password by a link"), _("choose a password by a link")),
    }
)

"""Random lives of a clinic's patients, through the practice API, against a model in plain Python.

Each sequence of 30 steps creates, changes, archives, restores, transitions, lists, searches and
walks; the model says what every answer must be, and after each step the table must hold what the
model holds. Every sequence runs in a savepoint that is rolled back. The seed is fixed, so that a
run repeats itself; MODEL_SEQUENCES says how many sequences it tries. The long run, on each database:

    MODEL_SEQUENCES=5000 pytest -n 2 tests/patients/test_model_based.py
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from patients.models import Patient

SEQUENCES = int(os.environ.get("MODEL_SEQUENCES", "60"))
A_PART = 60
"""Sequences a test: what they leave behind in its transaction slows the database down."""
A_SEED = 4
"""Sequences a seed: later ones resemble earlier ones, so that a new seed brings more that is new."""
RUN = settings(
    max_examples=A_SEED,
    stateful_step_count=30,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

FOLDED = {
    "Ada": "ada", "ÁDA": "ada", "Łucja Ann": "lucja ann", "Sø": "so", "de Søto": "de soto",
    None: "", "": "", "A-1": "a-1", "a-1 ": "a-1", "Ä-1": "a-1", "B2": "b2", "\u200bb2": "b2",
}  # fmt: skip
"""What each text that is sent counts as, written out: the model does not trust the product's own folding."""
NAMES = list(FOLDED)[:5]
CHART_NUMBERS = list(FOLDED)[5:]
QUERIES = {
    "A": "a", "ád": "ad", "da": "da", "Ł": "l", "ANN": "ann", "so": "so", "Søt": "sot", "de so": "de so", "soto de": "soto de",
    "A-": "a-", "1": "1", "a-1 ada": "a-1 ada", "b2": "b2", "2": "2", "zz": "zz",
}  # fmt: skip
STATUSES = ["prospective", "active", "inactive", "deceased", "archived"]
WAYS = {("prospective", "active"), ("active", "inactive"), ("active", "deceased"), ("inactive", "active")}
SORTS = ["last_name", "first_name", "chart_number", "status"]


# --- the model ------------------------------------------------------------------------------------------


class Refused(Exception):
    """The answer must be this status, and `told`: the text of the detail, or the fields that it names."""

    def __init__(self, status: int, told: str | set[str]):
        super().__init__(status, told)
        self.status, self.told = status, told


@dataclass(eq=False)
class Person:
    """One patient. Ids and the time of archiving are learned from answers; everything else is predicted."""

    values: dict[str, Any]
    guarantor: "Person | None" = None
    status: str = "active"
    version: int = 1
    id: str = ""
    deleted_at: str | None = None

    @property
    def archived(self) -> bool:
        return self.status == "archived"

    def folded(self, name: str) -> str:
        return FOLDED[self.values[name]]

    def texts(self) -> list[str]:
        return [self.folded(name) for name in ("first_name", "last_name", "preferred_name", "chart_number")]

    def begins(self, word: str) -> bool:
        return any(part.startswith(word) for text in self.texts() for part in text.split())

    def contains(self, word: str) -> bool:
        return any(word in text for text in self.texts())

    def sort_key(self, by: str) -> str:
        return self.status if by == "status" else self.folded(by)

    def shown(self) -> dict[str, Any]:
        """Return what every answer about this patient must show."""
        named = self.guarantor and {
            "uuid": self.guarantor.id, "name": f"{self.guarantor.values['first_name']} {self.guarantor.values['last_name']}"
        }  # fmt: skip
        own = {"id": self.id, "version": self.version, "status": self.status, "deleted_at": self.deleted_at}
        return {**self.values, **own, "responsible_party": named}


@dataclass
class Model:
    """What the clinic must hold. A method does what a request asks for, or raises Refused and changes nothing."""

    people: list[Person] = field(default_factory=list)

    def create(self, body: dict[str, Any]) -> Person:
        guarantor = self._guarantor(body)
        if body.get("status") == "archived":
            raise Refused(422, {"status"})
        values = {"preferred_name": None, "chart_number": None, "receives_sms": False}
        values |= {name: value for name, value in self._values(body).items() if value is not None}
        person = Person(values, guarantor, body.get("status") or "active")
        self._check_chart_number(person, values["chart_number"])
        self.people.append(person)
        return person

    def patch(self, person: Person, body: dict[str, Any]) -> Person:
        self._check_there(person)
        wrong = {name for name in ("first_name", "last_name") if body.get(name, "there") in (None, "")}
        wrong |= {"base_version"} if body["base_version"] < 1 else set()
        if wrong:
            raise Refused(422, wrong)
        guarantor = self._guarantor(body) if "responsible_party_uuid" in body else person.guarantor
        if (body.get("status") or person.status) != person.status:
            raise Refused(422, {"status"})
        if guarantor is person:
            raise Refused(422, {"responsible_party_uuid"})
        self._check_version(person, body)
        values = {name: value for name, value in self._values(body).items() if (name, value) != ("receives_sms", None)}
        if "chart_number" in values:
            self._check_chart_number(person, values["chart_number"])
        person.values |= values
        person.guarantor = guarantor
        return self._written(person)

    def archive(self, person: Person) -> Person:
        self._check_there(person)
        if any(other.guarantor is person and not other.archived for other in self.people):
            raise Refused(422, set())
        person.status = "archived"
        return self._written(person)

    def restore(self, person: Person) -> Person:
        if not person.archived or (person.guarantor and person.guarantor.archived):
            raise Refused(422, set())
        self._check_chart_number(person, person.values["chart_number"])
        person.status, person.deleted_at = "inactive", None
        return self._written(person)

    def transition(self, person: Person, body: dict[str, Any]) -> Person:
        self._check_there(person)
        if body["base_version"] < 1:
            raise Refused(422, {"base_version"})
        self._check_version(person, body)
        if (person.status, body["new_status"]) not in WAYS:
            raise Refused(422, {"new_status"})
        person.status = body["new_status"]
        return self._written(person)

    def listed(self, status: str | None, search: str | None, by: str = "last_name", direction: str = "asc") -> list[Person]:
        found = [person for person in self.people if (person.status == status if status else not person.archived)]
        found = [person for person in found if all(map(person.contains, QUERIES[search].split() if search else []))]
        found.sort(key=lambda person: person.sort_key(by))
        return found[::-1] if direction == "desc" else found

    def typed(self, text: str) -> set[str]:
        words = QUERIES[text].split()
        return {person.id for person in self.people if not person.archived and all(map(person.begins, words))}

    def family(self, person: Person) -> list[Person]:
        head = person.guarantor or person
        return [one for one in self.listed(None, None) if head in (one, one.guarantor) and one is not person]

    def _guarantor(self, body: dict[str, Any]) -> Person | None:
        uuid = body.get("responsible_party_uuid")
        found = [person for person in self.people if person.id == uuid and not person.archived]
        if uuid and not found:
            raise Refused(404, "Patient not found")
        return found[0] if uuid else None

    def _values(self, body: dict[str, Any]) -> dict[str, Any]:
        names = ("first_name", "last_name", "preferred_name", "chart_number", "receives_sms")
        return {name: body[name] for name in names if name in body}

    def _check_there(self, person: Person) -> None:
        if person.archived:
            raise Refused(404, "Patient not found")

    def _check_version(self, person: Person, body: dict[str, Any]) -> None:
        if body["base_version"] != person.version:
            raise Refused(409, f"Version conflict: expected {person.version}, got {body['base_version']}")

    def _check_chart_number(self, person: Person, number: str | None) -> None:
        others = (other for other in self.people if other is not person and not other.archived)
        if FOLDED[number] and any(other.folded("chart_number") == FOLDED[number] for other in others):
            raise Refused(409, "duplicate chart number")

    def _written(self, person: Person) -> Person:
        person.version += 1
        return person


# --- the requests ---------------------------------------------------------------------------------------

WHO = st.integers(0, 50)
NOBODY, STRANGER = -1, -2
PARTY = st.integers(STRANGER, 15)
BODIES = st.fixed_dictionaries(
    {"first_name": st.sampled_from(NAMES), "last_name": st.sampled_from(NAMES), "chart_number": st.sampled_from(CHART_NUMBERS)},
    optional={
        "preferred_name": st.sampled_from([*NAMES, "", None]),
        "receives_sms": st.sampled_from([True, False, None]), "status": st.sampled_from([None, *STATUSES[:4] * 2, "archived"]),
        "party": PARTY,
    },
)  # fmt: skip
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from([*NAMES * 4, "", None]), "last_name": st.sampled_from([*NAMES * 4, None]),
        "preferred_name": st.sampled_from([*NAMES, "", None]), "chart_number": st.sampled_from(CHART_NUMBERS),
        "receives_sms": st.sampled_from([True, False, None]), "status": st.sampled_from([*[None] * 15, *STATUSES]),
        "party": PARTY,
    },
)  # fmt: skip
DRIFTS = st.sampled_from([0] * 9 + [-1, 1, 10**30])
"""How far the version that is sent lies from the one that stands."""
PAGES = {
    "by": st.sampled_from(SORTS), "direction": st.sampled_from(["asc", "desc"]),
    "status": st.sampled_from([None, *STATUSES]), "search": st.sampled_from([None, None, *QUERIES]),
}  # fmt: skip


class Lives(RuleBasedStateMachine):
    """One sequence. `client` speaks to the clinic, `stranger` is another's patient, `seen` counts answers by action."""

    def __init__(self, clinic, client, stranger: Person, seen: Counter):
        super().__init__()
        self.clinic, self.client, self.stranger, self.seen = clinic, client, stranger, seen
        self.base = f"{clinic.base}/patients"
        self.model = Model()
        self.savepoint = transaction.atomic()
        self.savepoint.__enter__()

    def teardown(self):
        transaction.set_rollback(True)
        self.savepoint.__exit__(None, None, None)

    @initialize(bodies=st.lists(BODIES, min_size=3, max_size=4))
    def begin(self, bodies):
        for body in bodies:
            self.create(body)

    @rule(body=BODIES)
    def create(self, body):
        body = self.addressed(body)
        self.agree("create", self.client.post(self.base, body), lambda: self.model.create(body), status=201)

    @rule(who=WHO, changes=CHANGES, drift=DRIFTS)
    def patch(self, who, changes, drift):
        if person := self.somebody(who):
            body = {**self.addressed(changes), "base_version": person.version + drift}
            self.agree("patch", self.client.patch(self.path(person), body), lambda: self.model.patch(person, body))

    @rule(who=WHO)
    def archive(self, who):
        if person := self.somebody(who):
            self.agree("archive", self.client.post(self.path(person, "/archive")), lambda: self.model.archive(person))

    @rule(who=WHO)
    def restore(self, who):
        if person := self.somebody(who, archived=True):
            self.agree("restore", self.client.post(self.path(person, "/restore")), lambda: self.model.restore(person))

    @rule(who=WHO, status=st.sampled_from(STATUSES), drift=DRIFTS)
    def transition(self, who, status, drift):
        if person := self.somebody(who):
            body = {"base_version": person.version + drift, "new_status": status}
            answer = self.client.post(self.path(person, "/transition-status"), body)
            self.agree("transition", answer, lambda: self.model.transition(person, body))

    @rule(who=WHO)
    def get(self, who):
        if person := self.somebody(who):
            self.agree("get", self.client.get(self.path(person)), lambda: person)

    @rule(who=WHO)
    def get_family(self, who):
        if person := self.somebody(who):
            items = self.read(self.path(person, "/family"))
            assert shown(items) == [one.shown() for one in self.model.family(person)]

    @rule(**PAGES, number=st.integers(1, 3), size=st.integers(1, 4))
    def list_page(self, by, direction, status, search, number, size):
        page = self.read(self.base, sort_by=by, sort_dir=direction, status=status, search=search, page=number, page_size=size)
        expected = self.model.listed(status, search, by, direction)
        assert page["total"] == len(expected)
        assert shown(page["items"]) == [person.shown() for person in expected[(number - 1) * size : number * size]]

    @rule(**PAGES, size=st.integers(1, 4))
    def walk_by_cursor(self, by, direction, status, search, size):
        expected = self.model.listed(status, search, by, direction)
        seen, after, more = [], None, True
        while more and len(seen) <= len(expected):
            query = {"sort_by": by, "sort_dir": direction, "status": status, "search": search, "first": size, "after": after}
            page = self.read(f"{self.base}/cursor", **query)
            seen += shown(page["data"])
            after, more = page["page_info"]["end_cursor"], page["page_info"]["has_next_page"]
        assert seen == [person.shown() for person in expected]

    @rule(text=st.sampled_from([*QUERIES]))
    def type_ahead(self, text):
        found = self.read(f"{self.base}/search", q=text, limit=100)
        assert {item["id"] for item in found["items"]} == self.model.typed(text)
        assert found["total"] == len(found["items"]) == len(self.model.typed(text))

    @invariant()
    def the_table_holds_what_the_model_holds(self):
        rows = Patient.objects.filter(organization=self.clinic.organization).order_by("pk")
        columns = ("uuid", "version", "status", "chart_number", "responsible_party__uuid", "first_name_key", "last_name_key")
        assert [(str(row[0]), *row[1:4], row[4] and str(row[4]), *row[5:]) for row in rows.values_list(*columns)] == [
            (
                person.id, person.version, person.status, person.values["chart_number"],
                person.guarantor and person.guarantor.id, person.folded("first_name"), person.folded("last_name"),
            )
            for person in self.model.people
        ]  # fmt: skip

    @invariant()
    def nobody_depends_on_an_archived_guarantor(self):
        assert not Patient.objects.filter(deleted_at=None, responsible_party__deleted_at__isnull=False).exists()

    def somebody(self, who: int, *, archived: bool = False) -> Person | None:
        """Return one of the patients, most often one who is `archived` or not, as what is done to them asks."""
        fit = [person for person in self.model.people if person.archived == archived]
        pool = fit if who % 6 != 3 else self.model.people
        return pool[who % len(pool)] if pool else None

    def addressed(self, body: dict[str, Any]) -> dict[str, Any]:
        """Return `body` with the guarantor's UUID, where one is drawn."""
        sent = {name: value for name, value in body.items() if name != "party"}
        if "party" not in body:
            return sent
        party = self.stranger if body["party"] == STRANGER else None if body["party"] == NOBODY else self.somebody(body["party"])
        return {**sent, "responsible_party_uuid": party and party.id}

    def path(self, person: Person, action: str = "") -> str:
        return f"{self.base}/{person.id}{action}"

    def read(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, {name: value for name, value in query.items() if value is not None})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def agree(self, action: str, answer, predict: Callable[[], Person], *, status: int = 200) -> None:
        """Let the model do the same, and compare what both say."""
        self.seen[action, answer.status_code] += 1
        body, person = answer.json(), outcome(predict)
        if isinstance(person, Refused):
            assert (answer.status_code, told(body)) == (person.status, person.told), body
            return
        assert answer.status_code == status, body
        person.id = person.id or body["id"]
        if person.archived and not person.deleted_at:
            assert body["deleted_at"]
            person.deleted_at = body["deleted_at"]
        assert shown([body]) == [person.shown()]


def outcome(predict: Callable[[], Person]) -> Person | Refused:
    try:
        return predict()
    except Refused as refused:
        return refused


def told(body: dict[str, Any]) -> str | set[str]:
    """Return the text of a refusal, or the fields that it names."""
    detail = body.get("detail", "done")
    return detail if isinstance(detail, str) else {name for problem in detail for name in problem["loc"][1:]}


def shown(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each answer's object what the model predicts."""
    return [{name: item[name] for name in SHOWN} for item in items]


SHOWN = [*Person({}).shown(), *Model().create({"first_name": "Ada", "last_name": "Ada"}).values]
USUAL = {
    ("create", 201), ("create", 409), ("create", 422), ("get", 200), ("patch", 200), ("patch", 409), ("patch", 422),
    ("archive", 200), ("archive", 422), ("restore", 200), ("restore", 422),
    ("transition", 200), ("transition", 409), ("transition", 422),
}  # fmt: skip
"""Answers that come up in sixty sequences, whatever the seeds."""


@pytest.mark.parametrize("part", range(-(-SEQUENCES // A_PART)))
def test_random_lives_go_as_the_model_says(clinic, neighbour, api, part):
    seen: Counter = Counter()
    stranger = Person({}, id=str(neighbour.patient().uuid))

    for number in range(A_PART // A_SEED):
        begin = seed(part * A_PART + number)(lambda: Lives(clinic, api(), stranger, seen))
        run_state_machine_as_test(begin, settings=RUN)

    # Nothing was agreed upon by never being asked.
    assert set(seen) >= USUAL

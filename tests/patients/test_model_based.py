"""Random lives of a clinic's patients, through the practice API, against a model in plain Python.

Each sequence of 30 steps creates, changes, archives, restores, transitions, attributes, lists,
searches and walks; the model (tests/patients/lives.py) says what every answer must be, and after
each step the tables must hold what the model holds. Every sequence runs in a savepoint that is
rolled back. The seed is fixed, so that a run repeats itself; MODEL_SEQUENCES says how many sequences
it tries. The long run, on each database:

    MODEL_SEQUENCES=5000 pytest -n 2 tests/patients/test_model_based.py
"""

import os
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from patients.models import Patient, ReferralAttribution
from tests.patients.lives import CHART_NUMBERS, NAMES, QUERIES, STATUSES, Attribution, Model, Person, Refused, outcome

SEQUENCES = int(os.environ.get("MODEL_SEQUENCES", "40"))
# Sequences a test: what they leave behind in its transaction slows the database down.
A_PART = 40
# Sequences a seed: later ones resemble earlier ones, so that a new seed brings more that is new.
A_SEED = 4
RUN = settings(
    max_examples=A_SEED,
    stateful_step_count=30,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),
)

SORTS = ["last_name", "first_name", "chart_number", "status"]
ROLES = ["primary", "secondary", "assist"]


# --- the requests ---------------------------------------------------------------------------------------

WHO = st.integers(0, 50)
NOBODY, OUTSIDER = -1, -2
PARTY = st.integers(OUTSIDER, 15)
BODIES = st.fixed_dictionaries(
    {"first_name": st.sampled_from(NAMES), "last_name": st.sampled_from(NAMES), "chart_number": st.sampled_from(CHART_NUMBERS)},
    optional={
        "preferred_name": st.sampled_from([*NAMES, "", None]),
        "receives_sms": st.sampled_from([True, False, None]),
        "status": st.sampled_from([None, *STATUSES[:4] * 2, "archived"]),
        "party": PARTY,
    },
)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "first_name": st.sampled_from([*NAMES * 4, "", None]),
        "last_name": st.sampled_from([*NAMES * 4, None]),
        "preferred_name": st.sampled_from([*NAMES, "", None]),
        "chart_number": st.sampled_from(CHART_NUMBERS),
        "receives_sms": st.sampled_from([True, False, None]),
        "status": st.sampled_from([*[None] * 15, *STATUSES]),
        "party": PARTY,
    },
)
# How far the version that is sent lies from the one that stands.
DRIFTS = st.sampled_from([0] * 9 + [-1, 1, 10**30])
PAGES = {
    "by": st.sampled_from(SORTS),
    "direction": st.sampled_from(["asc", "desc"]),
    "status": st.sampled_from([None, *STATUSES]),
    "search": st.sampled_from([None, None, *QUERIES]),
}


class Lives(RuleBasedStateMachine):
    """One sequence. `client` speaks to the clinic, `outsider` is another's patient, `seen` counts answers by action."""

    def __init__(self, clinic, client, outsider: Person, seen: Counter):
        super().__init__()
        self.clinic, self.client, self.outsider, self.seen = clinic, client, outsider, seen
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

    @rule(who=WHO, role=st.sampled_from([*ROLES, None]), provider=st.booleans(), party=PARTY)
    def attribute(self, who, role, provider, party):
        if person := self.somebody(who):
            referring = self.party(party)
            body = {"attribution_role": role} if role else {}
            body |= {"provider_uuid": str(self.clinic.catalogs["provider"].uuid)} if provider else {}
            body |= {"referring_patient_uuid": referring.id} if referring else {}
            answer = self.client.post(self.path(person, "/referral-attributions"), body)
            self.agree("attribute", answer, lambda: self.model.attribute(person, body), status=201)

    @rule(who=WHO, which=WHO, role=st.sampled_from(ROLES), drift=DRIFTS)
    def correct(self, who, which, role, drift):
        if (person := self.somebody(who)) and (attribution := one_of(person.attributions, which)):
            body = {"attribution_role": role, "base_version": attribution.version + drift}
            answer = self.client.patch(self.path(person, f"/referral-attributions/{attribution.id}"), body)
            self.agree("correct", answer, lambda: self.model.correct(person, attribution, body))

    @rule(who=WHO, which=WHO, drift=DRIFTS)
    def withdraw(self, who, which, drift):
        if (person := self.somebody(who)) and (attribution := one_of(person.attributions, which)):
            body = {"base_version": attribution.version + drift}
            query = f"base_version={body['base_version']}"
            answer = self.client.post(self.path(person, f"/referral-attributions/{attribution.id}/archive?{query}"))
            self.agree("withdraw", answer, lambda: self.model.withdraw(person, attribution, body))

    @rule(who=WHO)
    def get(self, who):
        if person := self.somebody(who):
            self.agree("get", self.client.get(self.path(person)), lambda: person)

    @rule(who=WHO)
    def get_family(self, who):
        if person := self.somebody(who):
            items = self.read(self.path(person, "/family"))
            assert predicted_part(items) == [one.shown() for one in self.model.family(person)]

    @rule(**PAGES, number=st.integers(1, 3), size=st.integers(1, 4))
    def list_page(self, by, direction, status, search, number, size):
        page = self.read(self.base, sort_by=by, sort_dir=direction, status=status, search=search, page=number, page_size=size)
        expected = self.model.listed(status, search, by, direction)
        assert page["total"] == len(expected)
        assert predicted_part(page["items"]) == [person.shown() for person in expected[(number - 1) * size : number * size]]

    @rule(**PAGES, size=st.integers(1, 4))
    def walk_by_cursor(self, by, direction, status, search, size):
        expected = self.model.listed(status, search, by, direction)
        seen, after, more = [], None, True
        while more and len(seen) <= len(expected):
            query = {"sort_by": by, "sort_dir": direction, "status": status, "search": search, "first": size, "after": after}
            page = self.read(f"{self.base}/cursor", **query)
            seen += predicted_part(page["data"])
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
                person.id,
                person.version,
                person.status,
                person.values["chart_number"],
                person.guarantor and person.guarantor.id,
                person.folded("first_name"),
                person.folded("last_name"),
            )
            for person in self.model.people
        ]

    @invariant()
    def charts_hold_what_the_model_holds(self):
        rows = ReferralAttribution.objects.filter(organization=self.clinic.organization).order_by("pk")
        columns = ("uuid", "patient__uuid", "referring_patient__uuid", "attribution_role", "version", "deleted_at")
        stored = {tuple(map(str, row[:-1])): row[-1] is not None for row in rows.values_list(*columns)}
        assert stored == {
            (one.id, person.id, str(one.referring and one.referring.id), one.role, str(one.version)): one.archived
            for person in self.model.people
            for one in person.attributions
        }

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
        party = self.party(body["party"])
        return {**sent, "responsible_party_uuid": party and party.id}

    def party(self, number: int) -> Person | None:
        """Return whom a drawn number stands for."""
        return self.outsider if number == OUTSIDER else None if number == NOBODY else self.somebody(number)

    def path(self, person: Person, action: str = "") -> str:
        return f"{self.base}/{person.id}{action}"

    def read(self, path: str, **query: Any) -> Any:
        answer = self.client.get(path, {name: value for name, value in query.items() if value is not None})
        assert answer.status_code == 200, answer.content
        return answer.json()

    def agree(self, action: str, answer, predict: Callable[[], Person | Attribution], *, status: int = 200) -> None:
        """Let the model do the same, and compare what both say."""
        self.seen[action, answer.status_code] += 1
        body, found = answer.json(), outcome(predict)
        if isinstance(found, Refused):
            assert (answer.status_code, refusal_of(body)) == (found.status, found.told), body
            return
        assert answer.status_code == status, body
        found.learn(body)
        assert {name: body[name] for name in found.shown()} == found.shown()


def one_of(rows: list[Any], which: int) -> Any:
    """Return one of `rows`, None where there is none."""
    return rows[which % len(rows)] if rows else None


def refusal_of(body: dict[str, Any]) -> str | set[str]:
    """Return the text of a refusal, or the fields that it names."""
    detail = body.get("detail", "done")
    return detail if isinstance(detail, str) else {name for problem in detail for name in problem["loc"][1:]}


def predicted_part(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return of each answer's object what the model predicts."""
    return [{name: item[name] for name in SHOWN} for item in items]


SHOWN = [*Person({}).shown(), *Model().create({"first_name": "Ada", "last_name": "Ada"}).values]
# Answers that come up in sixty sequences, whatever the seeds.
USUAL = {
    ("create", 201),
    ("create", 409),
    ("create", 422),
    ("get", 200),
    ("patch", 200),
    ("patch", 409),
    ("patch", 422),
    ("archive", 200),
    ("archive", 422),
    ("restore", 200),
    ("restore", 422),
    ("transition", 200),
    ("transition", 409),
    ("transition", 422),
    ("attribute", 201),
    ("attribute", 404),
    ("attribute", 422),
    ("correct", 200),
    ("correct", 409),
    ("withdraw", 200),
    ("withdraw", 409),
}


@pytest.mark.sweep
@pytest.mark.parametrize("part", range(-(-SEQUENCES // A_PART)))
def test_random_lives_go_as_the_model_says(clinic, neighbour, api, part):
    seen: Counter = Counter()
    outsider = Person({}, id=str(neighbour.patient().uuid))

    for number in range(A_PART // A_SEED):
        begin = seed(part * A_PART + number)(lambda: Lives(clinic, api(), outsider, seen))
        run_state_machine_as_test(begin, settings=RUN)

    # Nothing was agreed upon by never being asked.
    assert set(seen) >= USUAL

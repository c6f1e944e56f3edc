"""The patients of a clinic as a model in plain Python: what every request must do, and what every answer must say."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

# What each text that is sent counts as, written out: the model does not trust the product's own folding.
FOLDED = {
    "Ada": "ada",
    "ÁDA": "ada",
    "Łucja Ann": "lucja ann",
    "Sø": "so",
    "de Søto": "de soto",
    None: "",
    "": "",
    "A-1": "a-1",
    "a-1 ": "a-1",
    "Ä-1": "a-1",
    "B2": "b2",
    "\u200bb2": "b2",
}
NAMES = list(FOLDED)[:5]
CHART_NUMBERS = list(FOLDED)[5:]
QUERIES = {
    "A": "a",
    "ád": "ad",
    "da": "da",
    "Ł": "l",
    "ANN": "ann",
    "so": "so",
    "Søt": "sot",
    "de so": "de so",
    "soto de": "soto de",
    "A-": "a-",
    "1": "1",
    "a-1 ada": "a-1 ada",
    "b2": "b2",
    "2": "2",
    "zz": "zz",
}
STATUSES = ["prospective", "active", "inactive", "deceased", "archived"]
WAYS = {("prospective", "active"), ("active", "inactive"), ("active", "deceased"), ("inactive", "active")}


class Refused(Exception):
    """The answer must be this status, and `told`: the text of the detail, or the fields that it names."""

    def __init__(self, status: int, told: str | set[str]):
        super().__init__(status, told)
        self.status, self.told = status, told


@dataclass(eq=False)
class Attribution:
    """What brought a patient, and the part that it played. The id is learned from the answer."""

    role: str
    referring: "Person | None" = None
    version: int = 1
    archived: bool = False
    id: str = ""

    def learn(self, body: dict[str, Any]) -> None:
        self.id = self.id or body["id"]

    def shown(self) -> dict[str, Any]:
        """Return what every answer about this attribution must show."""
        referring = self.referring and self.referring.reference()
        return {"id": self.id, "attribution_role": self.role, "version": self.version, "referring_patient": referring}


@dataclass(eq=False)
class Person:
    """One patient. Ids and the time of archiving are learned from answers; everything else is predicted."""

    values: dict[str, Any]
    guarantor: "Person | None" = None
    status: str = "active"
    version: int = 1
    id: str = ""
    deleted_at: str | None = None
    attributions: list[Attribution] = field(default_factory=list)

    @property
    def archived(self) -> bool:
        return self.status == "archived"

    def folded(self, name: str) -> str:
        return FOLDED[self.values[name]]

    def texts(self) -> list[str]:
        return [self.folded(name) for name in ("first_name", "last_name", "preferred_name", "chart_number")]

    def begins(self, word: str) -> bool:
        return any(part.startswith(word) for text in self.texts() for part in (*text.split(), *re.findall(r"[a-z]+|\d+", text)))

    def contains(self, word: str) -> bool:
        return any(word in text for text in self.texts())

    def sort_key(self, by: str) -> str:
        return self.status if by == "status" else self.folded(by)

    def reference(self) -> dict[str, str]:
        return {"uuid": self.id, "name": f"{self.values['first_name']} {self.values['last_name']}"}

    def learn(self, body: dict[str, Any]) -> None:
        self.id = self.id or body["id"]
        if self.archived and not self.deleted_at:
            assert body["deleted_at"]
            self.deleted_at = body["deleted_at"]

    def shown(self) -> dict[str, Any]:
        """Return what every answer about this patient must show."""
        named = self.guarantor and self.guarantor.reference()
        own = {"id": self.id, "version": self.version, "status": self.status, "deleted_at": self.deleted_at}
        return {**self.values, **own, "responsible_party": named}


Row = TypeVar("Row", Person, Attribution)


@dataclass
class Model:
    """What the clinic must hold. A method does what a request asks for, or raises Refused and changes nothing."""

    people: list[Person] = field(default_factory=list)

    def create(self, body: dict[str, Any]) -> Person:
        guarantor = self._named(body, "responsible_party_uuid")
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
        guarantor = self._named(body, "responsible_party_uuid") if "responsible_party_uuid" in body else person.guarantor
        if (body.get("status") or person.status) != person.status:
            raise Refused(422, {"status"})
        if guarantor is person:
            raise Refused(422, {"responsible_party_uuid"})
        self._check_version(person, body)
        values = {name: value for name, value in self._values(body).items() if (name, value) != ("receives_sms", None)}
        if "chart_number" in values:
            self._check_chart_number(person, values["chart_number"])
        if not values and "responsible_party_uuid" not in body:
            return person
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

    def attribute(self, person: Person, body: dict[str, Any]) -> Attribution:
        self._check_there(person)
        if ("provider_uuid" in body) == ("referring_patient_uuid" in body):
            raise Refused(422, set())
        referring = self._named(body, "referring_patient_uuid")
        if referring is person:
            raise Refused(422, {"referring_patient_uuid"})
        made = Attribution(body.get("attribution_role", "primary"), referring)
        self._check_role(person, made, made.role)
        person.attributions.append(made)
        return made

    def correct(self, person: Person, attribution: Attribution, body: dict[str, Any]) -> Attribution:
        self._check_attribution(person, attribution, body)
        self._check_role(person, attribution, body["attribution_role"])
        attribution.role = body["attribution_role"]
        return self._written(attribution)

    def withdraw(self, person: Person, attribution: Attribution, body: dict[str, Any]) -> Attribution:
        self._check_attribution(person, attribution, body)
        attribution.archived = True
        return self._written(attribution)

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

    def _named(self, body: dict[str, Any], name: str) -> Person | None:
        uuid = body.get(name)
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

    def _check_attribution(self, person: Person, attribution: Attribution, body: dict[str, Any]) -> None:
        self._check_there(person)
        if attribution.archived:
            raise Refused(404, "Referral attribution not found")
        if body["base_version"] < 1:
            raise Refused(422, {"base_version"})
        self._check_version(attribution, body)

    def _check_role(self, person: Person, attribution: Attribution, role: str) -> None:
        others = [one for one in person.attributions if one is not attribution and not one.archived]
        if role == "primary" and any(one.role == "primary" for one in others):
            raise Refused(409, "This patient has a primary attribution already.")

    def _check_version(self, row: Person | Attribution, body: dict[str, Any]) -> None:
        if body["base_version"] != row.version:
            raise Refused(409, f"Version conflict: expected {row.version}, got {body['base_version']}")

    def _check_chart_number(self, person: Person, number: str | None) -> None:
        others = (other for other in self.people if other is not person and not other.archived)
        if FOLDED[number] and any(other.folded("chart_number") == FOLDED[number] for other in others):
            raise Refused(409, "duplicate chart number")

    def _written(self, row: Row) -> Row:
        row.version += 1
        return row


def outcome(predict: Callable[[], Any]) -> Any:
    """Return what `predict` returns, or the refusal that it raises."""
    try:
        return predict()
    except Refused as refused:
        return refused

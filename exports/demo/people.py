"""The people of the demo: invented households, the same for the same seed."""

import datetime
import random
from collections.abc import Iterator
from typing import Any, NamedTuple

from config.core.text import fold
from patients.models import MaritalStatus, Sex, Status

_FIRST_NAMES = {
    Sex.FEMALE: ("Amelia", "Beatriz", "Chloé", "Dina", "Elena", "Fatima", "Grace", "Hannah", "Ines", "Joan", "Keiko", "Søs"),
    Sex.MALE: ("Adam", "Bruno", "Carlos", "Daniel", "Émile", "Farid", "George", "Hugo", "Ivan", "Jonas", "Kenji", "Łukasz"),
}
_LAST_NAMES = (
    "Abernathy",
    "Bergström",
    "Calloway",
    "Delacroix",
    "Eriksen",
    "Fontaine",
    "García",
    "Hollis",
    "Ibrahim",
    "Jansen",
    "Kowalski",
    "Lindgren",
    "Müller",
    "Nakamura",
    "O'Connell",
    "Pereira",
    "Quinn",
    "Rosenthal",
    "Sørensen",
    "Tanaka",
    "Underhill",
    "van Dijk",
)
_STREETS = ("Alder Lane", "Birch Road", "Cedar Street", "Dogwood Avenue", "Elm Court", "Foundry Street", "Garden Terrace")
_TOWNS = (
    ("Boston", "02108", "617"),
    ("Worcester", "01608", "508"),
    ("Springfield", "01103", "413"),
    ("Lowell", "01852", "978"),
    ("Salem", "01970", "978"),
    ("Quincy", "02169", "617"),
    ("Newton", "02458", "617"),
)


class Person(NamedTuple):
    """An invented patient: number in the organization, household, number of the guarantor (or None)."""

    number: int
    household: int
    guarantor: int | None
    values: dict[str, Any]


def people(seed: str, count: int) -> Iterator[Person]:
    """Yield `count` people, household by household: always the same for the same `seed`, whatever the count."""
    number = household = 0
    while number < count:
        draw = random.Random(f"{seed} household {household}")  # noqa: S311
        shared = _home(draw)
        guarantor = number + 1
        for place in range(min(draw.randint(1, 5), count - number)):
            number += 1
            values = {**shared, **_person(draw, number, place, shared["last_name"])}
            yield Person(number, household, guarantor if place else None, values)
        household += 1


def _home(draw: random.Random) -> dict[str, Any]:
    """Return what a household shares. Phone numbers 555-01xx are reserved for fiction."""
    city, postal_code, area = draw.choice(_TOWNS)
    return {
        "last_name": draw.choice(_LAST_NAMES),
        "address_line1": f"{draw.randint(1, 240)} {draw.choice(_STREETS)}",
        "city": city,
        "state": "Massachusetts",
        "postal_code": postal_code,
        "country": "US",
        "home_phone": f"({area}) 555-01{draw.randint(0, 99):02}",
    }


def _person(draw: random.Random, number: int, place: int, last_name: str) -> dict[str, Any]:
    """Return one member of a household: the first two are adults, the others children."""
    adult = place < 2
    sex = draw.choice(list(Sex))
    first_name = draw.choice(_FIRST_NAMES[sex])
    born = _day(draw, 1945, 1995) if adult else _day(draw, 2008, 2023)
    mailbox = fold(f"{first_name}.{last_name}").replace(" ", "").replace("'", "")
    person = {
        "first_name": first_name,
        "date_of_birth": born,
        "sex": sex,
        "gender": sex.value,
        "preferred_language": "English",
        **(_status(draw) if number > 1 else {}),
    }
    if adult:
        person |= {
            "title": "Ms." if sex == Sex.FEMALE else "Mr.",
            "marital_status": draw.choice([MaritalStatus.MARRIED, MaritalStatus.SINGLE, MaritalStatus.DIVORCED]),
            "email": f"{mailbox}.{number}@mail.example",
            "mobile_phone": f"({draw.choice(_TOWNS)[2]}) 555-01{draw.randint(0, 99):02}",
            "receives_email": True,
            # No such number is ever issued: the first three digits are never 000.
            "social_security_number": f"000-{draw.randint(1, 99):02}-{draw.randint(1, 9999):04}",
        }
    return person


def _day(draw: random.Random, first_year: int, last_year: int) -> datetime.date:
    return datetime.date(draw.randint(first_year, last_year), 1, 1) + datetime.timedelta(days=draw.randrange(365))


def _status(draw: random.Random) -> dict[str, Any]:
    """Return a status: four in five are active."""
    status = draw.choices([Status.ACTIVE, Status.PROSPECTIVE, Status.INACTIVE, Status.DECEASED], [80, 8, 8, 4])[0]
    if status != Status.DECEASED:
        return {"status": status}
    died = datetime.datetime(2024, draw.randint(1, 12), draw.randint(1, 28), 9, 30, tzinfo=datetime.UTC)
    return {"status": status, "date_time_deceased": died}

"""General: what POST and PUT accept comes back unchanged."""

from typing import Any

from patients.general.serializers import GeneralAddressIn, GeneralPatientIn
from tests.factories import Clinic
from tests.patients.test_roundtrip_practice import bodies, values_of

PATH = "/general/v1/patients"


def accepted(clinic: Clinic) -> dict[str, list[Any]]:
    """Return the accepted values of every field; those of the address under `address.<name>`."""
    fields = {name: field for name, field in GeneralPatientIn().fields.items() if name != "address"}
    fields |= {f"address.{name}": field for name, field in GeneralAddressIn().fields.items()}
    values = {name: values_of(name, field, clinic) for name, field in fields.items()}
    return {**values, "date_of_birth": ["1980-02-29", "2024-02-29", "1999-12-31"]}


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Return `address.city` and its like as an object."""
    address = {name.removeprefix("address."): value for name, value in flat.items() if name.startswith("address.")}
    return {**{name: value for name, value in flat.items() if "." not in name}, "address": address}


def differences(sent: dict, answer: dict) -> dict:
    return {name: (value, answer[name]) for name, value in sent.items() if answer[name] != value}


def test_what_post_takes_comes_back(clinic, general):
    wrong = []
    for flat in bodies(accepted(clinic)):
        body = nested(flat)
        made = general().post(PATH, {"patient": body})
        assert made.status_code == 201, made.content
        assert general().get(f"{PATH}/{made.json()['id']}").json() == made.json()
        wrong.append(differences(body, made.json()))
    assert [difference for difference in wrong if difference] == []


def test_what_put_takes_comes_back(clinic, general):
    path, wrong = f"{PATH}/{clinic.patient().pk}", []
    for flat in bodies(accepted(clinic)):
        body = nested(flat)
        changed = general().put(path, {"patient": body})
        assert changed.status_code == 200, changed.content
        wrong += [differences(body, changed.json()), differences(body, general().get(path).json())]
    assert [difference for difference in wrong if difference] == []


def test_one_field_changes_alone(clinic, general):
    path = f"{PATH}/{clinic.patient(date_of_birth=None).pk}"
    for name, values in accepted(clinic).items():
        before = general().get(path).json()
        held = before["address"][name.removeprefix("address.")] if "." in name else before[name]
        value = next(value for value in reversed(values) if value != held)
        body = {"address": {name.removeprefix("address."): value}} if "." in name else {name: value}
        after = general().put(path, {"patient": body}).json()
        touched = {key for key in before if before[key] != after[key]} - {"updated_at", "age"}
        assert touched == {name.partition(".")[0]}, name
        if "." in name:
            rest = {key: value for key, value in after["address"].items() if key != name.removeprefix("address.")}
            assert rest.items() <= before["address"].items()


def test_the_general_and_the_practice_dialect_show_one_record(clinic, general, api):
    body = nested({name: values[0] for name, values in accepted(clinic).items()})
    made = general().post(PATH, {"patient": body}).json()
    (same,) = api().get(f"{clinic.base}/patients").json()["items"]
    assert [same["first_name"], same["mobile_phone"], same["address_line1"], same["postal_code"]] == [
        made["first_name"],
        made["phone"],
        made["address"]["street"],
        made["address"]["zip_code"],
    ]


def test_times_are_utc_with_three_places(clinic, general):
    made = general().get(f"{PATH}/{clinic.patient().pk}").json()
    assert all(made[name][-5] == "." and made[name].endswith("Z") for name in ("created_at", "updated_at"))


def test_a_null_address_is_one_without_parts(clinic, general):
    body = {"first_name": "Ada", "last_name": "Lovelace", "date_of_birth": "1980-12-10", "address": None}
    made = general().post(PATH, {"patient": body}).json()
    nothing = dict.fromkeys(("street", "city", "state", "zip_code"))
    assert made["address"] == nothing
    path = f"{PATH}/{clinic.patient(city='Delft', address_line1='Oude Delft 1').pk}"
    assert general().put(path, {"patient": {"address": {"state": "ZH"}}}).json()["address"]["city"] == "Delft"
    assert general().put(path, {"patient": {"address": None}}).json()["address"] == nothing


def test_a_phone_of_one_dialect_is_one_in_all(clinic, api, general):
    """A range that is given out after the list of them was made is a number too."""
    body = {"first_name": "Ada", "last_name": "Lovelace", "date_of_birth": "1980-12-10", "phone": "+1-555-123-4567"}
    made = general().post(PATH, {"patient": body}).json()
    assert made["phone"] == "+1-555-123-4567"
    assert [row["phone"] for row in api().get("/v1/patients").json()["data"] if row["phone"]] == ["+15551234567"]
    assert [row["Phone"] for row in api().get("/v1/export/patients").json()["data"] if row["Phone"]] == ["+15551234567"]

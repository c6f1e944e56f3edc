"""The limit: what the same table gives without a framework. WSGI, psycopg and orjson, and nothing between them.

It answers in the product's bytes, out of the same table and its indexes. It checks no key, knows no roles and no scope, counts
no requests, records nothing, validates nothing, and takes only the requests of the bench. No server that does any of these
things can be faster; nobody should run one like it.
"""

import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

import orjson
import psycopg

PAGE = 50
# Fields of the answer -> SQL where that is not the column of the same name.
BALANCES = ("balance_0_30", "balance_31_60", "balance_61_90", "balance_over_90", "balance_total", "estimated_balance")
MONEY = (*BALANCES, "insurance_estimate", "payment_plan_due")
CATALOGS = {
    "billing_type": "patients_billingtype",
    "care_group": "accounts_caregroup",
    "employer": "patients_employer",
    "fee_schedule": "patients_feeschedule",
    "location": "patients_location",
    "primary_provider": "patients_provider",
    "secondary_provider": "patients_provider",
}
EXPRESSIONS = {
    "id": "uuid",
    "responsible_party": "responsible_party_id",
    # Whoever is listed is merged into nobody.
    "merged_into": "merged_into_id",
    # The bench's patients have no identity numbers.
    "medicaid_id": "NULL",
    "social_security_number": "NULL",
    "potential_duplicates": "NULL",
    "scheduling_restricted": "(status = 'inactive' OR balance_total > 500)",
    **{name: f"{name}::text" for name in MONEY},
    **{name: f"{name}_id" for name in CATALOGS},
}
FIELD_NAMES = """
address_line1 address_line2 address_note allergy_review_status appointment_module_note ask_to_arrive_early_mins balance_0_30
balance_31_60 balance_61_90 balance_over_90 balance_total billing_cycle_day billing_type care_group chart_number city
consent_flags country created_at date_first_visit date_of_birth date_time_deceased deleted_at email emergency_contact_name
emergency_contact_phone employer estimated_balance fee_schedule first_name gender home_phone id insurance_estimate last_name
latest_vitals_date location marital_status medicaid_id medical_summary medical_urgent_note merged_into middle_name mobile_phone
payment_plan_due postal_code potential_duplicates preferred_confirmation_method preferred_contact_method preferred_language
preferred_name premedication_required primary_provider pronoun receives_email receives_sms responsible_party salutation
scheduling_restricted secondary_provider smoking_snomed social_security_number state status title treatment_notes updated_at
version work_phone
"""
ITEM_NAMES = "id first_name middle_name last_name preferred_name date_of_birth status mobile_phone home_phone email chart_number"
FIELDS, ITEM = FIELD_NAMES.split(), ITEM_NAMES.split()
LISTED = "FROM patients_patient WHERE organization_id = %s AND deleted_at IS NULL"
ORDER = "ORDER BY last_name_key, id"


def selected(fields: Iterable[str]) -> str:
    return ", ".join(EXPRESSIONS.get(field, field) for field in fields)


LIST = f"SELECT {selected(FIELDS)} {LISTED} {ORDER} LIMIT {PAGE}"
COUNT = f"SELECT count(*) {LISTED}"
ONE = f"SELECT {selected(FIELDS)} FROM patients_patient WHERE organization_id = %s AND uuid = %s"
LINKED = "SELECT id, uuid, first_name || ' ' || last_name FROM patients_patient WHERE organization_id = %s AND id = ANY(%s)"
# What a plain query for a fragment of a name is, with the trigram index that the table has.
TYPED = f"SELECT {selected(ITEM)}, count(*) OVER () {LISTED} AND search_text LIKE %s {ORDER} LIMIT 20"


class Database(threading.local):
    """A connection for each thread, and the rows of catalogs, read once."""

    def __init__(self) -> None:
        self.connection = psycopg.connect(
            os.environ["DATABASE_URL"], autocommit=True, prepare_threshold=1, options="-c timezone=UTC"
        )
        self.organizations = {str(uuid): pk for pk, uuid in self.rows("SELECT id, uuid FROM accounts_organization")}
        names = {table: self.references(table) for table in set(CATALOGS.values())}
        self.catalogs = [(field, names[table]) for field, table in CATALOGS.items()]

    def rows(self, sql: str, *values: Any) -> list[tuple]:
        return self.connection.execute(sql, values).fetchall()

    def references(self, table: str) -> dict[int, dict]:
        return {pk: {"uuid": uuid, "name": name} for pk, uuid, name in self.rows(f"SELECT id, uuid, name FROM {table}")}


database = Database()


def patients(organization: int, rows: list[tuple]) -> list[dict]:
    """Return rows of FIELDS as objects, with names of what they refer to."""
    found = [dict(zip(FIELDS, row, strict=True)) for row in rows]
    linked = {pk for patient in found if (pk := patient["responsible_party"])}
    people = {pk: {"uuid": uuid, "name": name} for pk, uuid, name in database.rows(LINKED, organization, list(linked))}
    catalogs = [*database.catalogs, ("responsible_party", people)]
    for patient in found:
        for field, references in catalogs:
            patient[field] = references.get(patient[field])
    return found


def by_number(organization: int, query: dict) -> dict:
    offset = PAGE * (int(query.get("page", ["1"])[0]) - 1)
    items = patients(organization, database.rows(f"{LIST} OFFSET {offset}", organization))
    [[total]] = database.rows(COUNT, organization)
    return {"items": items, "page": offset // PAGE + 1, "page_size": PAGE, "total": total}


def by_cursor(organization: int, query: dict) -> dict:
    data = patients(organization, database.rows(LIST, organization))
    return {"data": data, "page_info": {"end_cursor": "x" * 64, "has_next_page": True}}


def typed(organization: int, query: dict) -> dict:
    rows = database.rows(TYPED, organization, f"%{query['q'][0]}%")
    items = [dict(zip(ITEM, row, strict=False)) for row in rows]
    return {"items": items, "total": rows[0][-1] if rows else 0}


LISTS: dict[str, Callable[[int, dict], dict]] = {"": by_number, "cursor": by_cursor, "search": typed}


def application(environ: dict, start_response: Callable) -> list[bytes]:
    """Answer /api/v1/{organization}/patients, …/cursor, …/search and …/{patient}."""
    _, _, _, uuid, _, *rest = environ["PATH_INFO"].split("/")
    organization, what = database.organizations[uuid], "".join(rest)
    if what in LISTS:
        answer: Any = LISTS[what](organization, parse_qs(environ["QUERY_STRING"]))
    else:
        [answer] = patients(organization, database.rows(ONE, organization, what))
    body = orjson.dumps(answer, option=orjson.OPT_UTC_Z)
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]

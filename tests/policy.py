"""Who may do what, as one table: decisions 3 (roles), 8 (archive) and 32 (order of refusals) in docs/decisions.

The tenancy sweep computes every expected answer from here. This module imports nothing of the
product, so that a rule that changes there without changing here is found.
"""

from dataclasses import dataclass
from enum import Enum, StrEnum

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Dialect(StrEnum):
    """The three APIs, by what their routes begin with."""

    PRACTICE = "api/"
    PUBLIC = "v1/"
    GENERAL = "general/"


class Caller(StrEnum):
    """Who asks: six roles with a good key, and four who have none."""

    FC_ADMIN = "FC_ADMIN"
    HC_ADMIN = "HC_ADMIN"
    HC_VIEW_ALL = "HC_VIEW_ALL"
    HC_PRIMARY = "HC_PRIMARY"
    HC_SECONDARY = "HC_SECONDARY"
    PATIENT = "PATIENT"
    NO_KEY = "no key"
    REVOKED = "revoked key"
    EXPIRED = "expired key"
    INACTIVE = "key of a deactivated user"


UNAUTHENTICATED = frozenset({Caller.NO_KEY, Caller.REVOKED, Caller.EXPIRED, Caller.INACTIVE})
ROLES = tuple(caller for caller in Caller if caller not in UNAUTHENTICATED)
CAREGIVERS = frozenset({Caller.HC_PRIMARY, Caller.HC_SECONDARY})


class Place(StrEnum):
    """Where the object of a request stands, seen from the caller's organization."""

    OWN = "own patient in the caller's group"  # and the record of the PATIENT caller
    OTHER_GROUP = "own organization, other group"
    NO_GROUP = "own organization, no group"
    ARCHIVED = "archived patient of the caller's group"
    FOREIGN_UNDER_OWN_PATH = "foreign patient under the caller's own organization"
    FOREIGN = "foreign organization"
    PARENT = "parent organization"
    CHILD = "child organization"
    RANDOM = "unknown patient"
    RANDOM_ORGANIZATION = "unknown organization"
    MALFORMED = "malformed patient id"
    MALFORMED_ORGANIZATION = "malformed organization id"


OF_OWN_ORGANIZATION = frozenset({Place.OWN, Place.OTHER_GROUP, Place.NO_GROUP, Place.ARCHIVED})
OF_OTHERS = frozenset({Place.FOREIGN, Place.PARENT, Place.CHILD})
ONLY_IN_A_PATH = frozenset({Place.FOREIGN_UNDER_OWN_PATH, Place.RANDOM_ORGANIZATION, Place.MALFORMED_ORGANIZATION})
"""Places that only a dialect with the organization in the path can tell apart."""
ORGANIZATIONS = (
    Place.OWN,
    Place.FOREIGN,
    Place.PARENT,
    Place.CHILD,
    Place.RANDOM_ORGANIZATION,
    Place.MALFORMED_ORGANIZATION,
)

SEES: dict[Caller, frozenset[Place]] = {
    Caller.FC_ADMIN: OF_OWN_ORGANIZATION | OF_OTHERS,
    Caller.HC_ADMIN: OF_OWN_ORGANIZATION,
    Caller.HC_VIEW_ALL: OF_OWN_ORGANIZATION,
    Caller.HC_PRIMARY: frozenset({Place.OWN, Place.ARCHIVED}),
    Caller.HC_SECONDARY: frozenset({Place.OWN, Place.ARCHIVED}),
    Caller.PATIENT: frozenset({Place.OWN}),
}
"""Which patients each role sees. A parent organization does not see its children's."""

SEES_USERS: dict[Caller, frozenset[Place]] = {
    **dict.fromkeys(ROLES, frozenset({Place.OWN})),
    Caller.FC_ADMIN: frozenset({Place.OWN}) | OF_OTHERS,
    Caller.PATIENT: frozenset(),
}
"""Whose people each role knows of."""

ADMINISTERS = frozenset({Caller.FC_ADMIN, Caller.HC_ADMIN})
WRITES_PATIENTS = frozenset({Caller.FC_ADMIN, Caller.HC_ADMIN, Caller.HC_PRIMARY, Caller.HC_SECONDARY})

SEES_CATALOGS: dict[Caller, frozenset[Place]] = {
    **dict.fromkeys(ROLES, frozenset({Place.OWN, Place.ARCHIVED})),
    Caller.FC_ADMIN: frozenset({Place.OWN, Place.ARCHIVED}) | OF_OTHERS,
    Caller.PATIENT: frozenset(),
}
"""Whose catalogs each role reads. Rows of catalogs are in no care group."""

SEES_GROUPS: dict[Caller, frozenset[Place]] = {
    **{caller: seen | {Place.OTHER_GROUP} if seen else seen for caller, seen in SEES_CATALOGS.items()},
    **dict.fromkeys(CAREGIVERS, frozenset({Place.OWN})),
}
"""Which care groups each role reads: caregivers their own."""


class Kind(Enum):
    """What a request does, as far as access goes."""

    SELF = "tells the caller who they are"
    LIST = "lists what the caller sees"
    COUNT = "counts what the caller sees"
    READ = "reads one object"
    CREATE = "makes an object"
    CHANGE = "changes one object"
    UNKNOWN = "no such path"


@dataclass(frozen=True)
class Entry:
    """The policy of one method of one route. `writers` may do it; `success` is their answer."""

    kind: Kind
    success: int = 200
    writers: frozenset[Caller] = frozenset(ROLES)
    archived: int = 404
    """What changing an archived object gets."""
    in_own_organization: bool = False
    """A create whose organization is the caller's: who has none gets 422."""


@dataclass(frozen=True)
class Chart:
    """One kind of entries of charts: what addresses call the id of one, who reads them, whether they are corrected.

    Those that are not `added` one by one are set many at a time.
    """

    entry: str
    readers: frozenset[Caller] = frozenset(ROLES)
    corrected: bool = True
    added: bool = True


READ, LIST, SELF, UNKNOWN = Entry(Kind.READ), Entry(Kind.LIST), Entry(Kind.SELF), Entry(Kind.UNKNOWN, success=404)
CREATE = Entry(Kind.CREATE, 201, WRITES_PATIENTS)
CHANGE = Entry(Kind.CHANGE, 200, WRITES_PATIENTS)
MEASURE = Entry(Kind.CHANGE, 201, WRITES_PATIENTS | {Caller.PATIENT})
MERGE = Entry(Kind.CHANGE, 200, ADMINISTERS)
UNMERGE = Entry(Kind.CHANGE, 422, ADMINISTERS, archived=422)
RESTORE = Entry(Kind.CHANGE, 422, WRITES_PATIENTS, archived=200)
ADD, CORRECT = Entry(Kind.CREATE, 201, ADMINISTERS), Entry(Kind.CHANGE, 200, ADMINISTERS)
NOWHERE = dict.fromkeys(METHODS, UNKNOWN)

NONE: frozenset[Caller] = frozenset()
STAFF = frozenset(ROLES) - {Caller.PATIENT}
CHART = {
    "alerts": Chart("alert_uuid", corrected=False),
    "allergies": Chart("allergy_uuid"),
    "communication-logs": Chart("log_uuid", corrected=False),
    "diseases": Chart("disease_uuid"),
    "field-values": Chart("value_uuid", readers=STAFF, corrected=False, added=False),
    "medications": Chart("medication_uuid"),
    "referral-attributions": Chart("attribution_uuid", readers=STAFF),
    "relationships": Chart("relationship_uuid"),
    "social-history": Chart("entry_uuid"),
    "tags": Chart("assignment_uuid", readers=STAFF, corrected=False),
    "vital-signs": Chart("vitals_uuid"),
    "monitoring-rules": Chart("rules_uuid", readers=STAFF),
}
"""What hangs on a patient, by its path."""


def _chart(name: str, chart: Chart) -> dict[str, dict[str, Entry]]:
    many = f"api/v1/<org_id>/patients/<patient_uuid>/{name}"
    one, read = f"{many}/<{chart.entry}>", Entry(Kind.READ, 200, chart.readers)
    write = {"POST": Entry(Kind.CHANGE, 201, WRITES_PATIENTS)} if chart.added else {"PUT": CHANGE}
    found = {many: {"GET": read, **write}, one: {"GET": read}}
    return found | {one: {"GET": read, "PATCH": CHANGE}, f"{one}/archive": {"POST": CHANGE}} if chart.corrected else found


CATALOGS = {
    "allergy-definitions": "definition_uuid",
    "billing-types": "type_uuid",
    "care-groups": "group_uuid",
    "communication-types": "type_uuid",
    "disease-definitions": "definition_uuid",
    "employers": "employer_uuid",
    "fee-schedules": "schedule_uuid",
    "instruments": "instrument_uuid",
    "locations": "location_uuid",
    "medication-definitions": "definition_uuid",
    "patient-alert-definitions": "definition_uuid",
    "patient-field-definitions": "definition_uuid",
    "patient-tag-definitions": "definition_uuid",
    "programs": "program_uuid",
    "protocols": "protocol_uuid",
    "providers": "provider_uuid",
    "referral-partners": "partner_uuid",
    "referral-sources": "source_uuid",
    "workflows": "workflow_uuid",
}
"""The catalogs, by their path -> what their addresses call the id of a row."""


def _catalog(name: str, row: str) -> dict[str, dict[str, Entry]]:
    many, one = f"api/v1/<org_id>/{name}", f"api/v1/<org_id>/{name}/<{row}>"
    return {many: {"GET": LIST, "POST": ADD}, one: {"GET": READ, "PATCH": CORRECT}, f"{one}/archive": {"POST": CORRECT}}


REPORTS = (
    "patients",
    "measurements",
    "alerts",
    "hcps",
    "patientsMutations",
    "starRatings",
    "plannedActions",
    "patientsWorkflowHistory",
    "patientsProgramsHistory",
    "patientsSettingsHistory",
    "usersStatusChangeReasons",
)
REPORT = Entry(Kind.COUNT, 200, STAFF)
WEBHOOK = "api/v1/<org_id>/webhook-endpoints/<endpoint_uuid>"
CHANGED = (*CHART, "appointments", "patients")
"""What is listed in the order of change in the practice dialect, by its path."""


POLICY: dict[str, dict[str, Entry]] = {
    "api/v1/me": {"GET": SELF},
    "api/v1/<org_id>/patients": {"GET": LIST, "POST": CREATE},
    "api/v1/<org_id>/patients/cursor": {"GET": LIST},
    "api/v1/<org_id>/patients/search": {"GET": LIST},
    "api/v1/<org_id>/patients/<patient_uuid>": {"GET": READ, "PATCH": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/archive": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/restore": {"POST": RESTORE},
    "api/v1/<org_id>/patients/<patient_uuid>/transition-status": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/merge": {"POST": MERGE},
    "api/v1/<org_id>/patients/<patient_uuid>/unmerge": {"POST": UNMERGE},
    "api/v1/<org_id>/patients/<patient_uuid>/family": {"GET": READ},
    "api/v1/<org_id>/patients/<patient_uuid>/medical-summary": {"GET": READ},
    "api/v1/<org_id>/patients/bulk": {"POST": Entry(Kind.CREATE, 200, WRITES_PATIENTS)},
    "api/v1/<org_id>/patients/check-duplicates": {"POST": Entry(Kind.COUNT)},
    "api/v1/<org_id>/patients/counts/by-location": {"GET": Entry(Kind.COUNT)},
    "api/v1/<org_id>/appointments": {"GET": LIST, "POST": CREATE},
    "api/v1/<org_id>/appointments/<appointment_uuid>": {"GET": READ, "PATCH": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/field-values/form": {"GET": Entry(Kind.READ, 200, STAFF)},
    **{route: methods for name, chart in CHART.items() for route, methods in _chart(name, chart).items()},
    # Alerts are archived by their status, and corrected after that too.
    "api/v1/<org_id>/patients/<patient_uuid>/alerts/<alert_uuid>": {"GET": READ, "PATCH": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/alerts/<alert_uuid>/archive": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/alerts/<alert_uuid>/disable": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/alerts/bulk-dismiss": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/tags/<assignment_uuid>/archive": {"POST": CHANGE},
    "api/v1/<org_id>/patients/<patient_uuid>/dependents": {"GET": READ},
    "api/v1/<org_id>/patients/<patient_uuid>/guardians": {"GET": READ},
    **{route: methods for name, row in CATALOGS.items() for route, methods in _catalog(name, row).items()},
    "api/v1/<org_id>/events": {"GET": REPORT},
    "api/v1/<org_id>/webhook-endpoints": {"GET": Entry(Kind.LIST, 200, ADMINISTERS), "POST": ADD},
    WEBHOOK: {"GET": Entry(Kind.READ, 200, ADMINISTERS), "PATCH": CORRECT},
    f"{WEBHOOK}/archive": {"POST": CORRECT},
    f"{WEBHOOK}/rotate-secret": {"POST": CORRECT},
    f"{WEBHOOK}/test": {"POST": CORRECT},
    f"{WEBHOOK}/replay": {"POST": CORRECT},
    f"{WEBHOOK}/deliveries": {"GET": Entry(Kind.READ, 200, ADMINISTERS)},
    **{f"api/v1/<org_id>/changes/{name}": {"GET": REPORT} for name in CHANGED},
    "^api/": NOWHERE,
    "v1/me": {"GET": SELF},
    "v1/patients": {"GET": LIST, "POST": CREATE},
    **{f"v1/export/{name}{form}": {"GET": REPORT, "POST": REPORT} for name in REPORTS for form in ("", ".csv", ".ndjson")},
    "v1/patients/<patient_id>": {"GET": READ},
    **{f"v1/changes/{name}": {"GET": REPORT} for name in ("alerts", "measurements", "patients")},
    "v1/users/<user_id>/apikeys": {"GET": Entry(Kind.READ, 200, ADMINISTERS), "POST": Entry(Kind.CHANGE, 201, ADMINISTERS)},
    "v1/users/<user_id>/apikeys/<key_id>": {"DELETE": Entry(Kind.CHANGE, 204, ADMINISTERS)},
    "^v1/": NOWHERE,
    "v1/alerts": {"GET": Entry(Kind.LIST, 200, STAFF)},
    "v1/alerts/<alert_id>": {"PATCH": CHANGE},
    "v1/patients/<patient_id>/plannedActions": {"GET": READ, "POST": MEASURE},
    "v1/patients/<patient_id>/ratings": {"POST": MEASURE},
    "v1/patients/<patient_id>/measurements": {"GET": READ, "POST": MEASURE},
    "general/v1/patients/<patient_id>/gauges": {"GET": READ, "POST": MEASURE},
    "general/v1/patients": {"GET": LIST, "POST": Entry(Kind.CREATE, 201, WRITES_PATIENTS, in_own_organization=True)},
    "general/v1/patients/<patient_id>": {"GET": READ, "PUT": CHANGE},
    "^general/": NOWHERE,
}
"""Route, as the URL conf writes it -> method -> policy. A method that is not named is 405."""


def dialect_of(route: str) -> Dialect:
    """Return the dialect that `route` belongs to."""
    return next(dialect for dialect in Dialect if route.lstrip("^").startswith(dialect))


def catalog_of(route: str) -> str | None:
    """Return the catalog that `route` leads to, None for other routes."""
    return next((name for name in CATALOGS if f"<org_id>/{name}" in route), None)


ADMIN_PAGES = {
    (STAFF, NONE): """
        alert chart chart_block chart_print chart_readers find home_appointments incomplete report_file reports search
        sidebar_counts worklist worklist_escalated worklist_mine worklist_news worklist_processed
    """,
    (STAFF, WRITES_PATIENTS): "alert_claim alert_release appointment calendar calendar_block",
    (STAFF - CAREGIVERS, NONE): "audit chart_readers_csv chart_readers_letter",
    (WRITES_PATIENTS, NONE): "book_patient chart_options reveal",
    (WRITES_PATIENTS, WRITES_PATIENTS): """
        alert_escalate alert_process alert_review alerts_escalate alerts_process appointment_move appointment_status book
        chart_add chart_entry limits_trial limits_words patient_life_cycle register register_alike
    """,
    (NONE, WRITES_PATIENTS): "chart_vital_flags",
    (ADMINISTERS, NONE): "api_key_reach duplicates duplicates_set_aside",
    (ADMINISTERS, ADMINISTERS): """
        api_key_issued api_key_revoke duplicate_set_aside duplicate_take_back duplicates_step import import_columns import_errors
        import_event import_step import_undo imports merge merge_choose person_activate person_invite person_password_link
        person_stop protocol_trial protocol_words webhook webhook_action webhook_replay webhook_replay_since webhook_secret
    """,
}
"""(who reads a page of the admin, who sends it something) -> the names of such pages; those of models are not here."""


def chart_of(route: str) -> str | None:
    """Return the kind of chart entries that `route` leads to, None for other routes."""
    inside = route.partition("<patient_uuid>/")[2].split("/")[0]
    return inside if inside in CHART else None


def sees(route: str, caller: Caller) -> frozenset[Place]:
    """Return the places whose objects `caller` sees through `route`."""
    if "<user_id>" in route:
        return SEES_USERS[caller]
    if "webhook-endpoints" in route:
        return SEES_CATALOGS[caller]
    name = catalog_of(route)
    if name is None:
        return SEES[caller]
    return (SEES_GROUPS if name == "care-groups" else SEES_CATALOGS)[caller]


def places_of(route: str) -> tuple[Place, ...]:
    """Return the places in which the object that `route` names can stand."""
    in_path = "<org_id>" in route
    if "<user_id>" in route:
        return (Place.OWN, *sorted(OF_OTHERS), Place.RANDOM, Place.MALFORMED)
    if "<endpoint_uuid>" in route:
        return tuple(place for place in Place if place not in (Place.NO_GROUP, Place.OTHER_GROUP))
    if (name := catalog_of(route)) and CATALOGS[name] in route:
        nowhere = {Place.NO_GROUP} if name == "care-groups" else {Place.NO_GROUP, Place.OTHER_GROUP}
        return tuple(place for place in Place if place not in nowhere)
    if "<patient_" in route or "<appointment_" in route or "<alert_" in route:
        return tuple(place for place in Place if in_path or place not in ONLY_IN_A_PATH)
    return ORGANIZATIONS if in_path else (Place.OWN,)


def expected_status(route: str, method: str, caller: Caller, place: Place) -> int:
    """Return the status that `caller` gets: 401, 405, scope 404, role 403, and only then the work."""
    entry = POLICY[route].get(method)
    if caller in UNAUTHENTICATED:
        return 401
    if entry is None:
        return 405
    if "<org_id>" in route and not _enters(caller, place):
        return 404
    if entry.kind in (Kind.READ, Kind.CHANGE) and (refusal := _object_refusal(route, entry, caller, place)):
        return refusal
    if caller not in entry.writers:
        return 403
    if place is Place.ARCHIVED and entry.kind is Kind.CHANGE:
        return entry.archived
    return 422 if entry.in_own_organization and caller is Caller.FC_ADMIN else entry.success


def _enters(caller: Caller, place: Place) -> bool:
    """Tell whether the organization in the path is one that `caller` may enter."""
    if place in (Place.RANDOM_ORGANIZATION, Place.MALFORMED_ORGANIZATION):
        return False
    return place not in OF_OTHERS or caller is Caller.FC_ADMIN


def _object_refusal(route: str, entry: Entry, caller: Caller, place: Place) -> int | None:
    if place in sees(route, caller):
        # An archived object still answers, and a patient is changed by being restored only.
        return 404 if place is Place.ARCHIVED and entry.kind is Kind.CHANGE and entry.archived == 404 else None
    if dialect_of(route) is Dialect.GENERAL and caller in CAREGIVERS and place in OF_OWN_ORGANIZATION:
        return 403
    return 404


def expected_list(route: str, caller: Caller, place: Place) -> frozenset[Place]:
    """Return the places whose objects a list shows; archived ones are left out."""
    seen = sees(route, caller) - {Place.ARCHIVED}
    if "<org_id>" not in route:
        return seen
    return seen & (OF_OWN_ORGANIZATION if place is Place.OWN else {place})

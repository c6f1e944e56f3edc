"""What each role may do with the rows it sees. Which rows those are is said in accounts/scope.py."""

from enum import Enum

from accounts.scope import Role

CAREGIVERS = frozenset({Role.HC_PRIMARY, Role.HC_SECONDARY})
ADMINISTRATORS = frozenset({Role.FC_ADMIN, Role.HC_ADMIN})
STAFF = ADMINISTRATORS | CAREGIVERS | {Role.HC_VIEW_ALL}


class Permission(Enum):
    """What an action requires, with the roles that have it."""

    READ = "read", frozenset(Role)
    READ_STAFF_ONLY = "read_staff_only", STAFF
    WRITE_PATIENTS = "write_patients", ADMINISTRATORS | CAREGIVERS
    MEASURE = "measure", ADMINISTRATORS | CAREGIVERS | {Role.PATIENT}
    ADMINISTER = "administer", ADMINISTRATORS

    def __init__(self, label: str, roles: frozenset[str]):
        self.roles = roles
        self.writes = not label.startswith("read")


# Social security, citizen service and medicaid numbers: in clear, or their last four places, or not at all.
READS_IDENTITY_NUMBERS = ADMINISTRATORS | CAREGIVERS
READS_MASKED_NUMBERS = frozenset({Role.HC_VIEW_ALL})

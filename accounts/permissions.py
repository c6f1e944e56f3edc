"""What each role may do with the rows it sees. Which rows those are is said in accounts/scope.py."""

from enum import Enum

from accounts.scope import Role

CAREGIVERS = frozenset({Role.HC_PRIMARY, Role.HC_SECONDARY})
ADMINISTRATORS = frozenset({Role.FC_ADMIN, Role.HC_ADMIN})
STAFF = ADMINISTRATORS | CAREGIVERS | {Role.HC_VIEW_ALL}


class Permission(Enum):
    """What an action requires, with the roles that have it."""

    READ = frozenset(Role)
    READ_STAFF_ONLY = STAFF
    WRITE_PATIENTS = ADMINISTRATORS | CAREGIVERS
    MEASURE = ADMINISTRATORS | CAREGIVERS | {Role.PATIENT}
    ADMINISTER = ADMINISTRATORS

    @property
    def writes(self) -> bool:
        """Whether this is a permission to change anything."""
        return self not in (Permission.READ, Permission.READ_STAFF_ONLY)

    def allows(self, role: str) -> bool:
        """Tell whether `role` has this permission."""
        return role in self.value


# Social security, citizen service and medicaid numbers: in clear, or their last four places, or not at all.
READS_IDENTITY_NUMBERS = ADMINISTRATORS | CAREGIVERS
READS_MASKED_NUMBERS = frozenset({Role.HC_VIEW_ALL})

"""What each role may do with the rows it sees. Which rows those are is said in accounts/scope.py."""

from enum import Enum

from rest_framework.permissions import BasePermission

from accounts.scope import Role

CAREGIVERS = frozenset({Role.HC_PRIMARY, Role.HC_SECONDARY})
ADMINISTRATORS = frozenset({Role.FC_ADMIN, Role.HC_ADMIN})
STAFF = ADMINISTRATORS | CAREGIVERS | {Role.HC_VIEW_ALL}


class Task(Enum):
    """Kinds of work, with the roles that may do them."""

    READ = frozenset(Role)
    READ_AS_STAFF = STAFF
    WRITE_PATIENTS = ADMINISTRATORS | CAREGIVERS
    MEASURE = ADMINISTRATORS | CAREGIVERS | {Role.PATIENT}
    ADMINISTER = ADMINISTRATORS

    @property
    def writes(self) -> bool:
        """Tell whether this changes anything."""
        return self not in (Task.READ, Task.READ_AS_STAFF)

    def allows(self, role: str) -> bool:
        """Tell whether `role` may do this."""
        return role in self.value


# Social security, citizen service and medicaid numbers: in clear, or their last four places, or not at all.
READS_IDENTITY_NUMBERS = ADMINISTRATORS | CAREGIVERS
READS_MASKED_NUMBERS = frozenset({Role.HC_VIEW_ALL})


class Deny(BasePermission):
    """REST framework's default here: a view that does not stand on our own base view answers nobody."""

    def has_permission(self, request, view):
        return False

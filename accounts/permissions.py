"""What each role may do with the rows it sees. Which rows those are is said in accounts/scope.py."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from django.utils.translation import gettext_lazy as _

from accounts.scope import Role

CAREGIVERS = frozenset({Role.HC_PRIMARY, Role.HC_SECONDARY})
ADMINISTRATORS = frozenset({Role.FC_ADMIN, Role.HC_ADMIN})
STAFF = ADMINISTRATORS | CAREGIVERS | {Role.HC_VIEW_ALL}


class Permission(Enum):
    """What an action requires, with the roles that have it."""

    READ = "read", frozenset(Role), False
    READ_STAFF_ONLY = "read staff only", STAFF, False
    READ_ADMINISTRATORS_ONLY = "read administrators only", ADMINISTRATORS, False
    WRITE_PATIENTS = "write patients", ADMINISTRATORS | CAREGIVERS, True
    MEASURE = "measure", ADMINISTRATORS | CAREGIVERS | {Role.PATIENT}, True
    ADMINISTER = "administer", ADMINISTRATORS, True

    def __init__(self, label: str, roles: frozenset[str], writes: bool):
        # The label keeps two permissions of the same roles apart: members of an Enum with equal values are one.
        self.roles, self.writes = roles, writes


# Social security, citizen service and medicaid numbers: in clear, or their last four places, or not at all.
READS_IDENTITY_NUMBERS = ADMINISTRATORS | CAREGIVERS
READS_MASKED_NUMBERS = frozenset({Role.HC_VIEW_ALL})

# What a role may do, for whoever gives it to somebody.
ROLE_SENTENCES: Mapping[str, Any] = {
    Role.FC_ADMIN: _("Runs the whole installation: organizations, and everything in all of them."),
    Role.HC_ADMIN: _("Reads and writes all patients of the organization, its catalogs, its people and their API keys."),
    Role.HC_VIEW_ALL: _("Reads all patients of the organization and how it is run, and changes nothing."),
    Role.HC_PRIMARY: _("Reads and writes the patients of their care groups. Does not see how the organization is run."),
    Role.HC_SECONDARY: _("The same as a primary caregiver, for whoever stands in or helps."),
    Role.PATIENT: _("Reads their own record and adds their own measurements, by an app. Does not sign in here."),
}

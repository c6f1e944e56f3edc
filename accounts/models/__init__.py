"""Organizations, the people who work in them, their keys, and the trail they leave."""

from accounts.models.audit import AuditChain, AuditedPatient, AuditEvent, AuditSeal
from accounts.models.catalogs import CareGroup
from accounts.models.events import OutboxEvent
from accounts.models.keys import ApiKey
from accounts.models.organizations import ChartNeed, Language, Organization
from accounts.models.requests import IdempotencyRecord, RateWindow
from accounts.models.second_factors import SecondFactor
from accounts.models.sessions import Session
from accounts.models.users import GroupMembership, Role, User, UserStatus, UserStatusChange

__all__ = [
    "ApiKey",
    "AuditChain",
    "AuditEvent",
    "AuditSeal",
    "AuditedPatient",
    "CareGroup",
    "ChartNeed",
    "GroupMembership",
    "IdempotencyRecord",
    "Language",
    "Organization",
    "OutboxEvent",
    "RateWindow",
    "Role",
    "SecondFactor",
    "Session",
    "User",
    "UserStatus",
    "UserStatusChange",
]

"""Users, their care groups, and the history of their status."""

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models.catalogs import CareGroup
from accounts.models.organizations import Organization, validate_timezone
from accounts.scope import Role, ScopePath
from config.core.databases import DatabaseNow
from config.core.orm import NOTE_LENGTH, Identified, Timestamped
from config.core.text import fold

__all__ = ["GroupMembership", "Role", "User", "UserStatus", "UserStatusChange"]


class UserStatus(models.TextChoices):
    """The status of a login."""

    CREATED = "created", _("Created")
    ACTIVE = "active", _("Active")
    BLOCKED = "blocked", _("Blocked")
    STOPPED = "stopped", _("Stopped")
    CANCELLED = "cancelled", _("Cancelled")


class UserManager(BaseUserManager):
    """Finds users by their e-mail address, ignoring case."""

    def get_by_natural_key(self, username):
        return self.get(email_key=fold(username))


class User(Identified, Timestamped, AbstractBaseUser):
    """A person with a role. accounts/permissions.py says what a role may do, accounts/scope.py what it sees."""

    email = models.EmailField(unique=True)
    email_key = models.CharField(max_length=254, unique=True, editable=False)
    user_name = models.CharField(max_length=150, blank=True)
    first_name = models.CharField(max_length=150, blank=True)
    middle_name = models.CharField(max_length=150, blank=True)
    last_name = models.CharField(max_length=150, blank=True)
    language = models.CharField(max_length=8, default="en")
    timezone = models.CharField(max_length=64, blank=True, validators=[validate_timezone])
    role = models.CharField(max_length=16, choices=Role.choices)
    status = models.CharField(max_length=16, choices=UserStatus.choices, default=UserStatus.CREATED)
    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="users", help_text=_("Empty for FC_ADMIN only.")
    )
    care_groups = models.ManyToManyField(CareGroup, through="GroupMembership", related_name="members")
    default_group = models.ForeignKey(
        CareGroup, models.SET_NULL, null=True, blank=True, related_name="+", help_text=_("Patients this person creates join it.")
    )
    last_logout = models.DateTimeField(null=True, blank=True, editable=False)
    link_sent_at = models.DateTimeField(
        null=True, editable=False, help_text="When the link to choose a password was made that is open, if one is."
    )
    session_version = models.PositiveIntegerField(default=1, editable=False, help_text="Raised when all sessions end.")

    objects = UserManager()
    scope = ScopePath(organization="organization_id")

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS = ["role"]

    class Meta:
        ordering = ["email_key", "id"]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="user_by_creation")]
        constraints = [
            models.CheckConstraint(
                condition=Q(role=Role.FC_ADMIN) | Q(organization__isnull=False), name="user_organization_required"
            )
        ]

    def save(self, *args, **kwargs):
        self.email_key = fold(self.email)
        super().save(*args, **kwargs)

    @property
    def is_active(self) -> bool:  # type: ignore[override]  # Django has an attribute there, and only reads it
        """Whether this person may sign in and use keys."""
        return self.status == UserStatus.ACTIVE

    @property
    def is_staff(self) -> bool:
        """Whether this person may use the admin."""
        return self.is_active and self.role != Role.PATIENT

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Return what a session must carry to be this person's: it is another one after each change that ends sessions.

        The services delete the sessions as well. This one refuses those that are stored at the same moment, and all of
        them after a change of role, organization or password that no service has made.
        """
        bound_to = f"{self.password}|{self.role}|{self.organization_id}|{self.session_version}"
        return salted_hmac("accounts.User.session", bound_to, secret=secret, algorithm="sha256").hexdigest()

    def get_full_name(self) -> str:
        return " ".join(filter(None, (self.first_name, self.middle_name, self.last_name))) or self.email

    def get_short_name(self) -> str:
        return self.first_name or self.email

    def has_perm(self, perm: str, obj: object = None) -> bool:
        """Permissions are not stored per user: each ModelAdmin checks the role."""
        return self.is_staff

    def has_perms(self, perm_list, obj: object = None) -> bool:
        return self.is_staff

    def has_module_perms(self, app_label: str) -> bool:
        return self.is_staff


class GroupMembership(models.Model):
    """A caregiver's place in a care group."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    care_group = models.ForeignKey(CareGroup, models.CASCADE, related_name="memberships")

    scope = ScopePath(organization="organization_id")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "care_group"], name="membership_unique")]

    def __str__(self) -> str:
        return f"Membership {self.pk}"


class UserStatusChange(models.Model):
    """One change of a login's status, with reason and author. The export report usersStatusChangeReasons reads it."""

    organization = models.ForeignKey(Organization, models.PROTECT, null=True, related_name="+")
    user = models.ForeignKey(User, models.PROTECT, related_name="status_changes")
    from_status = models.CharField(max_length=16, choices=UserStatus.choices)
    to_status = models.CharField(max_length=16, choices=UserStatus.choices)
    reason = models.TextField(max_length=NOTE_LENGTH, blank=True)
    created_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    created_at = models.DateTimeField(db_default=DatabaseNow(), editable=False)
    processed_at = models.DateTimeField(null=True)

    scope = ScopePath(organization="organization_id")

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["organization", "created_at", "id"], name="user_status_change_by_creation")]

    def __str__(self) -> str:
        return f"Status change {self.pk}"

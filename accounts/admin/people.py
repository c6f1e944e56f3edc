"""What is done to people beside their form: invitations and links by mail, and stopping their access."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts import mails
from accounts.admin.dialogs import DialogView
from accounts.admin.fields import LocalForm
from accounts.admin.key_states import ShownKey, shown_keys
from accounts.admin.pages import page
from accounts.models import ApiKey, AuditEvent, Role, User, UserStatus
from accounts.permissions import ADMINISTRATORS
from accounts.scope import Actor, scope
from accounts.services.keys import issued_for_others
from accounts.services.password_links import PasswordLink, invite_user, link_end, send_password_link
from accounts.services.second_factors import second_factor_of
from accounts.services.users import change_user_status
from config.core.orm import NOTE_LENGTH

SIGN_INS = 10
KEYS = 20


# --- what the page of a person shows ----------------------------------------------------------------
@dataclass(frozen=True)
class Access:
    """How somebody gets in, and what can be done about it: names of URLs with what their buttons say."""

    user: User
    has_second_factor: bool
    link_end: Any
    sign_ins: list[AuditEvent]
    keys: list[ShownKey]
    more_keys: bool
    mail: tuple[str, str] | None
    status: tuple[str, str, bool] | None


def access_of(actor: Actor, user: User, *, may_write: bool) -> Access:
    """Return what the page of `user` says of their access. Three statements."""
    about = {"subject": "user", "subject_id": user.pk, "action": "user.login", "outcome": AuditEvent.Outcome.OK}
    sign_ins = scope(actor, AuditEvent.objects.filter(**about)).order_by("-id")[:SIGN_INS]
    keys = list(scope(actor, ApiKey.objects.filter(user=user)).select_related("user").order_by("-id")[: KEYS + 1])
    oneself = user.pk == actor.user_id
    return Access(
        user=user,
        has_second_factor=second_factor_of(user) is not None,
        link_end=link_end(user),
        sign_ins=list(sign_ins),
        keys=shown_keys(keys[:KEYS]),
        more_keys=len(keys) > KEYS,
        mail=_mail_button(user) if may_write else None,
        status=_status_button(user) if may_write and not oneself else None,
    )


def _mail_button(user: User) -> tuple[str, str] | None:
    if user.role == Role.PATIENT:
        return None
    if user.status == UserStatus.CREATED:
        return "admin:person_invite", _("Send the invitation again") if user.link_sent_at else _("Send an invitation")
    if user.status == UserStatus.ACTIVE:
        return "admin:person_password_link", _("Send a link to choose a new password")
    return None


def _status_button(user: User) -> tuple[str, str, bool]:
    """Return the URL name and the words of the button that changes the status, and whether it ends something."""
    if user.status in (UserStatus.ACTIVE, UserStatus.CREATED):
        return "admin:person_stop", _("Stop access…"), True
    return "admin:person_activate", _("Give access again…"), False


# --- mails ------------------------------------------------------------------------------------------
def mail_link(request: HttpRequest, link: PasswordLink) -> None:
    """Send `link`, and tell the caller in a message on the next page whether that worked."""
    sent = mails.send_link(link, base=mails.base_of(request), sender=cast(User, request.user))
    about = {"email": link.user.email}
    if not sent:
        words = _("The mail to %(email)s could not be sent. Send it again later, or ask whoever runs the server.")
        messages.error(request, words % about)
    elif not mails.are_sent():
        words = _("No mail server is set up: the mail to %(email)s stands in the output of the server.")
        messages.warning(request, words % about)
    elif link.is_invitation:
        messages.success(request, _("An invitation was sent to %(email)s.") % about)
    else:
        messages.success(request, _("A link to choose a new password was sent to %(email)s.") % about)


# --- dialogs ----------------------------------------------------------------------------------------
class PersonDialog(DialogView):
    """Base of what is done to the person whose id is the argument `user_id`, and who is in scope.

    Superadmins are left to superadmins. The page behind is loaded again, with what was done.
    """

    template_name = "admin/accounts/user/dialog.html"
    readers = writers = ADMINISTRATORS
    form_class: type[forms.Form] = LocalForm
    refreshes_page = True
    person: User

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        rows = scope(self.actor, User.objects.select_related("organization"))
        if self.actor.role != Role.FC_ADMIN:
            rows = rows.exclude(role=Role.FC_ADMIN)
        self.person = self.get_object_or_404(rows, kwargs["user_id"], "user")

    def get_form_kwargs(self) -> dict[str, Any]:
        # The form of the page behind has a reason, too.
        return {"auto_id": "dialog_%s"}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"person": self.person, **kwargs})


class _LinkDialog(PersonDialog):
    """Asks before a mail is sent, which closes the link that was sent before. `service` makes the link."""

    submit_label = gettext_lazy("Send")
    service: Callable[..., PasswordLink]

    def save(self, form: Any) -> str:
        self.made = self.service(actor=self.actor, user=self.person)
        return ""

    def done(self, message: str) -> HttpResponse:
        mail_link(self.request, self.made)
        return super().done(message)


@page("people/<int:user_id>/invite/", name="person_invite")
class InviteDialog(_LinkDialog):
    """Sends an invitation, again where there was one."""

    title = gettext_lazy("Send an invitation")
    text = gettext_lazy("A mail with a link, by which the person chooses a password. A link that was sent before works no more.")
    service = staticmethod(invite_user)


@page("people/<int:user_id>/password-link/", name="person_password_link")
class PasswordLinkDialog(_LinkDialog):
    """Sends a link to choose a new password."""

    title = gettext_lazy("Send a link to choose a new password")
    text = gettext_lazy("The password that the person has works until they choose another one by the link.")
    service = staticmethod(send_password_link)


def revoke_issued_label(issued: int) -> str:
    """Return what the box says that also revokes so many working keys."""
    return _("Revoke the working keys that they issued for others: %(count)s") % {"count": issued}


class ReasonForm(LocalForm):
    """Why a status changes."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), max_length=NOTE_LENGTH, help_text=gettext_lazy("It is kept and reported.")
    )


class StopForm(ReasonForm):
    """Why somebody's access is stopped. `issued` is how many working keys of others they issued."""

    revoke_issued = forms.BooleanField(required=False)

    def __init__(self, *args: Any, issued: int, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if issued:
            self.fields["revoke_issued"].label = revoke_issued_label(issued)
        else:
            del self.fields["revoke_issued"]


class _StatusDialog(PersonDialog):
    """Changes the status, with a reason. It is not one's own."""

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        if self.person.pk == self.actor.user_id:
            raise Http404

    @property
    def about(self) -> dict[str, str]:
        """What sentences are filled with."""
        return {"name": self.person.get_full_name()}


@page("people/<int:user_id>/stop/", name="person_stop")
class StopDialog(_StatusDialog):
    """Stops somebody's access: signs them out, and revokes their keys for good."""

    form_class = StopForm
    title = gettext_lazy("Stop access")
    text = gettext_lazy("The person is signed out everywhere at once, and their API keys are revoked for good.")
    submit_label = gettext_lazy("Stop access")
    is_dangerous = True

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "issued": issued_for_others(self.person).count()}

    def save(self, form: Any) -> str:
        values = {"reason": form.cleaned_data["reason"], "revoke_issued": form.cleaned_data.get("revoke_issued", False)}
        change_user_status(actor=self.actor, user=self.person, status=UserStatus.STOPPED, **values)
        return _("%(name)s has no access any more.") % self.about


@page("people/<int:user_id>/activate/", name="person_activate")
class ActivateDialog(_StatusDialog):
    """Gives access again to somebody whose access was stopped."""

    form_class = ReasonForm
    title = gettext_lazy("Give access again")
    text = gettext_lazy("The person signs in with the password that they had. API keys stay revoked.")
    submit_label = gettext_lazy("Give access")

    def save(self, form: Any) -> str:
        change_user_status(actor=self.actor, user=self.person, status=UserStatus.ACTIVE, reason=form.cleaned_data["reason"])
        return _("%(name)s has access again.") % self.about

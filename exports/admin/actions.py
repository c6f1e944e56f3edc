"""What an administrator does with a webhook endpoint, each with its button, its words and its service."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.scope import Actor
from exports.models import WebhookEndpoint, WebhookStatus
from exports.services import archive_endpoint, rotate_secret, send_test, update_endpoint

Service = Callable[[Actor, WebhookEndpoint, int], str]
"""Acts on the version of an endpoint, and returns what was done, as a sentence."""


def _test(actor: Actor, endpoint: WebhookEndpoint, version: int) -> str:
    send_test(actor=actor, endpoint=endpoint)
    return gettext("A test is on its way. It is among the messages as soon as a worker has seen it.")


def _to(status: WebhookStatus, told: Promise) -> Service:
    def change(actor: Actor, endpoint: WebhookEndpoint, version: int) -> str:
        update_endpoint(actor=actor, endpoint=endpoint, base_version=version, changes={"status": status})
        return str(told)

    return change


def _rotate(actor: Actor, endpoint: WebhookEndpoint, version: int) -> str:
    rotate_secret(actor=actor, endpoint=endpoint, base_version=version)
    return gettext("The endpoint has a new secret. For a day messages are signed with the one before, too.")


def _archive(actor: Actor, endpoint: WebhookEndpoint, version: int) -> str:
    archive_endpoint(actor=actor, endpoint=endpoint, base_version=version)
    return gettext("%(name)s is archived.") % {"name": endpoint.description}


@dataclass(frozen=True)
class EndpointAction:
    """Something that is done with an endpoint: its button, its dialog, in which states it may happen, and its service.

    One without a `text` happens at once.
    """

    title: Promise
    icon: str
    save: Service
    states: frozenset[str]
    text: str | Promise = ""
    is_dangerous: bool = False


_NOT_ACTIVE = frozenset({WebhookStatus.PAUSED, WebhookStatus.DISABLED})
_ACTIVE = frozenset({WebhookStatus.ACTIVE})
_ANY = frozenset(WebhookStatus)

ACTIONS: Mapping[str, EndpointAction] = {
    "test": EndpointAction(_("Send a test"), "mail", _test, _ACTIVE),
    "pause": EndpointAction(
        _("Pause"), "clock", _to(WebhookStatus.PAUSED, _("The endpoint is paused. Messages wait for it.")), _ACTIVE
    ),
    "resume": EndpointAction(
        _("Resume"),
        "check",
        _to(WebhookStatus.ACTIVE, _("The endpoint is active again. What waited for it is sent now.")),
        _NOT_ACTIVE,
    ),
    "rotate": EndpointAction(
        _("Rotate the secret"),
        "key",
        _rotate,
        _ANY,
        _("The new secret is shown once. For a day messages are signed with both, so that the receiver can change over."),
    ),
    "disable": EndpointAction(
        _("Disable"),
        "ban",
        _to(WebhookStatus.DISABLED, _("The endpoint is disabled. It is not told what happens meanwhile.")),
        _ANY - {WebhookStatus.DISABLED},
        _("It is told nothing of what happens meanwhile. Pause it instead if messages shall wait for it."),
        is_dangerous=True,
    ),
    "archive": EndpointAction(
        _("Archive"), "archive", _archive, _ANY, _("It is told nothing more. This cannot be undone."), is_dangerous=True
    ),
}


def possible_actions(endpoint: WebhookEndpoint) -> list[tuple[str, EndpointAction]]:
    """Return what may be done with `endpoint` now, by name."""
    found = [(name, action) for name, action in ACTIONS.items() if endpoint.status in action.states]
    return found if endpoint.deleted_at is None else []

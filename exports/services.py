"""Webhook endpoints: making, changing, testing and archiving them, and sending again what was sent."""

import datetime
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from accounts.audit import record_change
from accounts.models import Organization
from accounts.models.events import KEPT
from accounts.scope import Actor
from config.core.encryption import seal, unseal
from config.core.exceptions import Invalid, NotFound
from config.core.orm import check_columns, check_required_texts, drop_nulls_for_not_null_columns
from exports.event_types import event_types
from exports.models import SECRET_OVERLAP, WebhookDelivery, WebhookEndpoint, WebhookFormat, WebhookStatus
from exports.webhooks.addresses import check_url
from exports.webhooks.messages import luscii_types
from exports.webhooks.outbox import TESTED, Replayed, make_pending, replay, retried
from exports.webhooks.signatures import new_secret

# Endpoints that an organization may have: for each of its events each of them is looked at.
MAX_ENDPOINTS = 50
_WHAT = gettext_noop("Webhook endpoint")
_SECRET, _PREVIOUS_SECRET = "webhook_endpoint.secret", "webhook_endpoint.previous_secret"


@transaction.atomic
def create_endpoint(*, actor: Actor, organization: Organization, **values: Any) -> tuple[WebhookEndpoint, str]:
    """Create an endpoint: `url`, `description`, and what else of its columns is not to have its default.

    Returns the row and its secret, which is shown this once. Raises Invalid for what an endpoint may not be, and where the
    organization has MAX_ENDPOINTS.
    """
    Organization.objects.select_for_update(no_key=True).get(pk=organization.pk)
    if WebhookEndpoint.objects.filter(organization=organization, deleted_at=None).count() >= MAX_ENDPOINTS:
        raise Invalid(_("An organization has at most %(most)s webhook endpoints.") % {"most": MAX_ENDPOINTS})
    endpoint = WebhookEndpoint(organization=organization, created_by_id=actor.user_id, **_accepted(values))
    _check(endpoint)
    secret = new_secret()
    endpoint.secret_sealed = seal(secret, _SECRET, endpoint.uuid)
    endpoint.save(force_insert=True)
    record_change(actor, "webhook_endpoint.create", endpoint, event="webhook_endpoint.created")
    return endpoint, secret


@transaction.atomic
def update_endpoint(*, actor: Actor, endpoint: WebhookEndpoint, base_version: int, changes: Mapping[str, Any]) -> None:
    """Write `changes` into an endpoint. One that is made active again begins without failures, and is sent what waits for it.

    Raises Invalid for what an endpoint may not be, NotFound or VersionConflict. Without anything to write it stays as it is.
    """
    written = _accepted(changes)
    if not written:
        WebhookEndpoint.objects.filter(deleted_at=None).check_version(endpoint.pk, base_version, _(_WHAT))
        return
    changed = _locked(endpoint)
    for name, value in written.items():
        setattr(changed, name, value)
    _check(changed)
    if written.get("status") == WebhookStatus.ACTIVE:
        written["failing_since"] = None
        make_pending(retried(endpoint.pk), timezone.now())
    _change(endpoint, base_version, written)
    _record(actor, endpoint, "webhook_endpoint.update", "updated", changes)


@transaction.atomic
def archive_endpoint(*, actor: Actor, endpoint: WebhookEndpoint, base_version: int) -> None:
    """Archive an endpoint: it is told nothing more. Raises NotFound or VersionConflict."""
    _change(endpoint, base_version, {"deleted_at": timezone.now()})
    _record(actor, endpoint, "webhook_endpoint.archive", "archived", ("deleted_at",))


@transaction.atomic
def rotate_secret(*, actor: Actor, endpoint: WebhookEndpoint, base_version: int) -> str:
    """Give an endpoint a new secret and return it, which is shown this once.

    For SECRET_OVERLAP messages are signed with both, so that the receiver can change over. Raises NotFound or VersionConflict.
    """
    secret, before = new_secret(), unseal(_locked(endpoint).secret_sealed, _SECRET, endpoint.uuid)
    columns = {
        "secret_sealed": seal(secret, _SECRET, endpoint.uuid),
        "previous_secret_sealed": seal(before, _PREVIOUS_SECRET, endpoint.uuid),
        "rotated_at": timezone.now(),
    }
    _change(endpoint, base_version, columns)
    _record(actor, endpoint, "webhook_endpoint.rotate_secret", "secret_rotated", ("secret",))
    return secret


def secrets_of(endpoint: WebhookEndpoint) -> list[str]:
    """Return the secrets that sign the messages of an endpoint now, the newest first."""
    found = [unseal(endpoint.secret_sealed, _SECRET, endpoint.uuid)]
    if endpoint.rotated_at and endpoint.previous_secret_sealed and endpoint.rotated_at > timezone.now() - SECRET_OVERLAP:
        found.append(unseal(endpoint.previous_secret_sealed, _PREVIOUS_SECRET, endpoint.uuid))
    return found


@transaction.atomic
def send_test(*, actor: Actor, endpoint: WebhookEndpoint) -> None:
    """Let an endpoint be sent a message that tells of nothing but this test.

    Raises Invalid if it is not active, NotFound if it is archived.
    """
    if _locked(endpoint).status != WebhookStatus.ACTIVE:
        raise Invalid(_("Only an active endpoint is sent a test."), "status")
    _record(actor, endpoint, "webhook_endpoint.test", TESTED.partition(".")[2])


@transaction.atomic
def replay_delivery(*, actor: Actor, delivery: WebhookDelivery) -> None:
    """Send one message again, whatever has become of it. Raises Invalid while a worker has it."""
    if not make_pending(WebhookDelivery.objects.filter(pk=delivery.pk), timezone.now()):
        raise Invalid(_("The message is being sent at the moment."), "delivery")
    _record(actor, delivery.endpoint, "webhook_endpoint.resend", "replayed")


@transaction.atomic
def replay_since(*, actor: Actor, endpoint: WebhookEndpoint, since: datetime.datetime) -> Replayed:
    """Send an endpoint again what has happened since a moment, and what it was not told, the oldest first.

    Returns how many messages that are, and from where on there are more than one request replays. Raises Invalid for a moment
    whose events are no longer kept, and NotFound if the endpoint is archived.
    """
    if since < timezone.now() - KEPT:
        raise Invalid(_("Events are kept for {days} days.").format(days=KEPT.days), "since")
    replayed = replay(_locked(endpoint), since)
    _record(actor, endpoint, "webhook_endpoint.resend", "replayed")
    return replayed


@transaction.atomic
def pause_endpoint(*, actor: Actor, endpoint: WebhookEndpoint) -> bool:
    """Pause an active endpoint that has failed for too long; what happens from now on waits for it.

    Returns False where it is not active, or has not failed. Raises NotFound if it is archived. People pause an endpoint by
    `update_endpoint`.
    """
    stored = _locked(endpoint)
    if stored.status != WebhookStatus.ACTIVE or stored.failing_since is None:
        return False
    _change(stored, stored.version, {"status": WebhookStatus.PAUSED})
    _record(actor, stored, "webhook_endpoint.pause", "paused", ("status",))
    return True


def _accepted(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return `values` to be written. Raises Invalid for a value that is none of its column."""
    check_required_texts(WebhookEndpoint, values)
    written = drop_nulls_for_not_null_columns(WebhookEndpoint, values)
    check_columns(WebhookEndpoint, written)
    return written


def _check(endpoint: WebhookEndpoint) -> None:
    """Raise Invalid for an address to which nothing is sent, and for types that are none, or none of the format."""
    check_url(endpoint.url)
    types = set(endpoint.event_types or ())
    if unknown := sorted(types - set(event_types())):
        message = _("These are no types of events: %(names)s")
        raise Invalid(message % {"names": ", ".join(unknown)[:200]}, "event_types")
    if endpoint.format == WebhookFormat.LUSCII and (unnamed := sorted(types - luscii_types())):
        message = _("Luscii's format has no names for these: %(names)s")
        raise Invalid(message % {"names": ", ".join(unnamed)[:200]}, "event_types")


def _locked(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """Return the row of `endpoint` as it is stored, locked. Raises NotFound if it is archived."""
    rows = WebhookEndpoint.objects.select_for_update(no_key=True)
    if (found := rows.filter(pk=endpoint.pk, deleted_at=None).first()) is None:
        raise NotFound(_(_WHAT))
    return found


def _change(endpoint: WebhookEndpoint, base_version: int, values: Mapping[str, Any]) -> None:
    WebhookEndpoint.objects.filter(deleted_at=None).change(endpoint.pk, base_version, _(_WHAT), **values)


def _record(actor: Actor, endpoint: WebhookEndpoint, action: str, past: str, changed: Iterable[str] = ()) -> None:
    record_change(actor, action, endpoint, event=f"webhook_endpoint.{past}", changed=changed)

"""System checks of a deployment: run by `manage.py check --deploy`."""

from typing import Any

from django.conf import settings
from django.core.checks import Tags, Warning, register


@register(Tags.security, deploy=True)
def check_trusted_proxies(app_configs: Any, **kwargs: Any) -> list[Warning]:
    """Warn where a proxy terminates TLS, but is not counted: all clients would share its address, limits and locks."""
    if not settings.HTTPS or settings.TRUSTED_PROXIES:
        return []
    hint = "Set TRUSTED_PROXIES to the number of proxies before the server."
    return [Warning("HTTPS is on, and no proxy is trusted to tell the address of a client.", hint=hint, id="anamnesis.W001")]

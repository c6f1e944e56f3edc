"""What a page asks about its session: whether it lives, for how long, and what is missing to go on."""

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache

from accounts.site import open_step


@never_cache
def session_state(request: HttpRequest) -> JsonResponse:
    """Answer {state, seconds, address, csrf_token}; asking prolongs the session as every request does.

    `state` is "signed-in", "signed-out", or "step" where a second factor is missing, which `address` asks for. `seconds`
    are left without another request.
    """
    state, address = "signed-in", reverse("admin:login")
    if isinstance(request.user, AnonymousUser) or not request.user.is_staff:
        state = "signed-out"
    else:
        step = open_step(request)
        if step:
            state, address = "step", reverse(step)
    left = (request.session.get_expiry_date() - timezone.now()).total_seconds()
    return JsonResponse({"state": state, "seconds": int(left), "address": address, "csrf_token": get_token(request)})

"""The pages of one API key beside its form: where it is shown once, and where it is revoked."""

import base64
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.admin.dialogs import DialogView
from accounts.admin.fields import LocalForm
from accounts.admin.key_states import WORKING, ShownKey, shown_keys
from accounts.admin.pages import Page, page
from accounts.models import ApiKey
from accounts.permissions import ADMINISTRATORS
from accounts.scope import Actor, scope
from accounts.services.keys import keys_issued_with, revoke_key, revoke_key_with_issued
from config.core.encryption import SealBroken, seal, unseal

ISSUED = "issued_key"
"""The session's key for the id of a key that is still to be shown, and the key itself, sealed."""
_COLUMN = f"session.{ISSUED}"


def show_key(request: HttpRequest, key: ApiKey, raw: str) -> str:
    """Let the caller see the new key `raw` once; return the address of the page that shows it."""
    sealed = seal(raw, _COLUMN, key.user.uuid)
    request.session[ISSUED] = [key.key_id, base64.b64encode(sealed).decode()]
    return reverse("admin:api_key_issued", args=[key.pk])


def issued_in_scope(actor: Actor, key: ApiKey) -> list[ShownKey]:
    """Return the keys that were issued with `key`, with these, and so on, as far as `actor` may see them."""
    issued = keys_issued_with(key)
    if not issued:
        return []
    visible = scope(actor, ApiKey.objects.filter(pk__anyof=[each.pk for each in issued])).values_list("pk", flat=True)
    seen = set(visible)
    return shown_keys(each for each in issued if each.pk in seen)


class KeyPage(Page):
    """Base of the pages about the key whose id is the argument `key_id`.

    It is in the caller's scope; otherwise the page does not exist, and that is audited.
    """

    section = "admin:accounts_apikey_changelist"
    parents = (("accounts_apikey_changelist", gettext_lazy("API keys")),)
    readers = writers = ADMINISTRATORS
    key: ApiKey

    def setup(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().setup(request, *args, **kwargs)
        rows = scope(self.actor, ApiKey.objects.select_related("user", "organization"))
        self.key = self.get_object_or_404(rows, kwargs["key_id"], "api_key")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(**{"key": self.key, **kwargs})


@page("keys/<int:key_id>/issued/", name="api_key_issued")
class IssuedPage(KeyPage):
    """The key that was just issued: to whom issued it, once. It is not stored, so no other page could show it."""

    template_name = "admin/accounts/apikey/issued.html"
    title = gettext_lazy("Your new API key")

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        raw = self._raw_key()
        if raw is None:
            messages.warning(request, _("A key is shown once. If it is lost, revoke it and issue another one."))
            return redirect("admin:accounts_apikey_change", self.key.pk)
        answer = self.render_to_response(self.get_context_data(raw_key=raw))
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _raw_key(self) -> str | None:
        """Return the key, and forget it."""
        key_id, sealed = self.request.session.pop(ISSUED, None) or ("", "")
        if key_id != self.key.key_id:
            return None
        try:
            return unseal(base64.b64decode(sealed), _COLUMN, self.key.user.uuid)
        except SealBroken:
            return None


class RevokeForm(LocalForm):
    """Whether the keys that were issued with it are revoked, too."""

    with_issued = forms.BooleanField(label=gettext_lazy("Also revoke these"), required=False, initial=True)


@page("keys/<int:key_id>/revoke/", name="api_key_revoke")
class RevokeDialog(DialogView, KeyPage):
    """Revokes a key, with those that were issued with it, which it names."""

    template_name = "admin/accounts/apikey/revoke.html"
    form_class = RevokeForm
    title = gettext_lazy("Revoke this key")
    submit_label = gettext_lazy("Revoke")
    refreshes_page = True
    is_dangerous = True

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        working = [shown for shown in issued_in_scope(self.actor, self.key) if shown.state == WORKING]
        return super().get_context_data(**{"issued": working, **kwargs})

    def save(self, form: Any) -> str:
        name = self.key.description
        if not form.cleaned_data["with_issued"]:
            revoke_key(actor=self.actor, key=self.key)
            return _("%(key)s is revoked.") % {"key": name}
        count = revoke_key_with_issued(actor=self.actor, key=self.key)
        words = ngettext("%(count)s key is revoked.", "%(count)s keys are revoked.", count)
        return words % {"count": count}

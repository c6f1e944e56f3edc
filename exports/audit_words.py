"""The words of the audit trail for webhooks, and for sandboxes that were made anew."""

from django.utils.translation import gettext_lazy as _

from accounts.audit_words import Nouns, Phrase, add_nouns, add_phrases

_TEST = Phrase(_("had a test sent to {this}"), _("have a test sent to {one}"))
add_nouns(
    {
        "webhook_delivery": Nouns(_("a webhook delivery"), _("the webhook delivery “{name}”"), _("webhook deliveries")),
        "webhook_endpoint": Nouns(_("a webhook endpoint"), _("the webhook endpoint “{name}”"), _("webhook endpoints")),
    }
)
add_phrases(
    {
        "organization.reset": Phrase(_("made the sandbox anew"), _("make the sandbox anew")),
        "webhook_endpoint.pause": Phrase(_("paused {this}, which had failed for a day"), _("pause {one}")),
        "webhook_endpoint.resend": Phrase(_("had messages sent again to {this}"), _("have messages sent again to {one}")),
        "webhook_endpoint.rotate_secret": Phrase(_("gave {this} a new secret"), _("give {one} a new secret")),
        "webhook_endpoint.send_test": _TEST,
        "webhook_endpoint.test": _TEST,
    }
)

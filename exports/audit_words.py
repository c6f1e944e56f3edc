"""The words of the audit trail for webhooks, and for sandboxes that were made anew."""

from accounts.audit_words import Phrase, add_phrases

add_phrases(
    {
        "organization.reset": Phrase("made the sandbox anew", "make the sandbox anew"),
        "webhook_endpoint.pause": Phrase("paused {this}, which had failed for a day", "pause {one}"),
        "webhook_endpoint.resend": Phrase("had messages sent again to {this}", "have messages sent again to {one}"),
        "webhook_endpoint.rotate_secret": Phrase("gave {this} a new secret", "give {one} a new secret"),
        "webhook_endpoint.send_test": Phrase("had a test sent to {this}", "have a test sent to {one}"),
        "webhook_endpoint.test": Phrase("had a test sent to {this}", "have a test sent to {one}"),
    }
)

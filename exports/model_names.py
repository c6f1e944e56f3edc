"""The names that Django makes of the classes of this app and of their columns, for `make messages`.

They are translated where they are shown (`config.core.orm`, `accounts.audit_words`). Those that no page shows are not here.
"""

from django.utils.translation import gettext_noop as _

CLASSES = (_("webhook endpoint"), _("webhook endpoints"), _("webhook delivery"), _("webhook deliveries"))

COLUMNS = (
    _("description"),
    _("event types"),
    _("failing since"),
    _("format"),
    _("ordered by patient"),
    _("organization"),
    _("secret"),
    _("status"),
    _("url"),
)

"""The names that Django makes of the classes of this app and of their columns, for `make messages`.

They are translated where they are shown (`config.core.orm`). Those that no page shows are not here.
"""

from django.utils.translation import gettext_noop as _

CLASSES = (
    _("organization"),
    _("organizations"),
    _("care group"),
    _("care groups"),
    _("user"),
    _("users"),
    _("API keys"),
    _("second factor"),
)

COLUMNS = (
    _("name"),
    _("slug"),
    _("parent"),
    _("timezone"),
    _("country"),
    _("language"),
    _("care networks enabled"),
    _("second factor required"),
    _("organization"),
    _("email"),
    _("user name"),
    _("first name"),
    _("middle name"),
    _("last name"),
    _("role"),
    _("status"),
    _("default group"),
    _("care groups"),
    _("user"),
    _("description"),
    _("expires at"),
    _("key id"),
    _("revoked at"),
    _("last used at"),
    _("last login"),
    _("created at"),
    _("created by"),
    _("updated at"),
    _("item order"),
)

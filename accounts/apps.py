from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps
from django.utils.translation import gettext_lazy as _

from config.core import checks, connections, schema  # noqa: F401 - registers them
from config.core.private_files import close_own_files


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("Accounts")
    triggers = {
        "postgresql": (
            "auditchain_append_only",
            "auditchain_never_emptied",
            "auditchain_only_forward",
            "auditedpatient_append_only",
            "auditedpatient_never_emptied",
            "auditevent_append_only",
            "auditevent_never_emptied",
            "auditseal_append_only",
            "auditseal_never_emptied",
            "organization_sandbox_fixed",
        ),
        "sqlite": (
            *(
                f"accounts_{table}_append_only_{event}"
                for table in ("auditchain", "auditedpatient", "auditevent", "auditseal")
                for event in ("delete", "insert", "update")
            ),
            "organization_sandbox_fixed",
        ),
    }

    def ready(self) -> None:
        close_own_files()


class AdminSiteConfig(admin_apps.AdminConfig):
    """Django's admin on our own site, without the groups of django.contrib.auth: roles are ours."""

    default = False
    default_site = "accounts.site.AdminSite"

    def ready(self) -> None:
        super().ready()
        from django.contrib import admin
        from django.contrib.auth.models import Group

        admin.site.unregister(Group)

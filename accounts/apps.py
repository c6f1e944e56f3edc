from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps

from config.core import checks  # noqa: F401 - registers them
from config.core.private_files import close_own_files


class AccountsConfig(AppConfig):
    name = "accounts"

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

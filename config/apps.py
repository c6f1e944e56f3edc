"""Loading all apps without the garbage collector.

Nearly all of what is loaded stays. Looking through it again and again takes a sixth of the time that loading takes, and once
more when a command ends.
"""

import gc

from django.apps import AppConfig

# The apps are known by now; models, pages and what they need come next.
gc.disable()


class LoadedConfig(AppConfig):
    """The last of INSTALLED_APPS: it is ready when all are."""

    name = "config"

    def ready(self) -> None:
        gc.freeze()
        gc.enable()

"""The WSGI application that `manage.py serve` runs."""

import gc
import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)


class Request(WSGIRequest):
    """A request whose Content-Type can say anything without harm.

    What cannot be read is no type at all, and query strings and forms are UTF-8 whatever
    character set is claimed for the body.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}


class Application(WSGIHandler):
    """Django's own, with our requests."""

    request_class = Request


application = Application()
# What is loaded by now stays: the garbage collector need not look it through again and again.
gc.freeze()

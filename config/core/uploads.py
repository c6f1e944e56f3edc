"""Files in forms: a page that takes one says so, and nothing else does."""

import io
from typing import Any

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest
from django.urls import Resolver404, resolve


def own_body_limit(path: str) -> int | None:
    """Return how many bytes the view at `path` declares to take (`max_body_size`), None where it declares nothing.

    Views are classes: REST framework's as_view keeps them as `cls`, Django's as `view_class`.
    """
    try:
        view = resolve(path).func
    except Resolver404:
        return None
    return getattr(getattr(view, "cls", None) or getattr(view, "view_class", None), "max_body_size", None)


class PageUploads(FileUploadHandler):
    """Keep one file in memory for a page that takes it (`uploaders`, roles), and refuse any other before a byte is kept.

    The CSRF check reads a form before the view does, so who sends it is asked here. How long a file may be is how long the body
    may be: `config.rest.body_limits` refuses what is longer unread.
    """

    request: HttpRequest

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        match = self.request.resolver_match
        uploaders = getattr(getattr(match and match.func, "view_class", None), "uploaders", ())
        if getattr(self.request.user, "role", "") not in uploaders or hasattr(self, "file"):
            raise SuspiciousFileOperation("Files are not taken here")
        super().new_file(*args, **kwargs)
        self.file = io.BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.file.write(raw_data)

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.file.seek(0)
        return InMemoryUploadedFile(
            self.file, self.field_name, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra
        )

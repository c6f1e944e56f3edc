"""Files in forms: nothing takes any."""

from typing import Any, NoReturn

from django.core.exceptions import SuspiciousFileOperation
from django.core.files.uploadhandler import FileUploadHandler


class RefuseUploads(FileUploadHandler):
    """Refuse a form with a file in it, before a byte of the file is kept."""

    def new_file(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise SuspiciousFileOperation("Files are not taken here")

    receive_data_chunk = file_complete = new_file

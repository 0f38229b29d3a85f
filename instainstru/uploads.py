"""Limits of what people send as files (Spec: S10.6, S17.3)."""

from typing import IO, Any, Final

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import FileUploadHandler

from instainstru.errors import ValidationFailedError

MOST_BYTES: Final = 5 * 1024 * 1024
"""Of one picture."""
MOST_BYTES_TOGETHER: Final = 9 * 1024 * 1024
"""Of all pictures of a form: below the limit of a body, so that its page can keep the words."""
ACCEPTED: Final = "image/jpeg,image/png,image/webp"
"""What a file field lets people choose; only a help, the decoder decides."""

STORED_CONTENT_TYPE: Final = "image/webp"
"""What every picture is once it is stored."""


class PictureError(ValidationFailedError):
    """The file is no picture that we take; the message says why."""

    code = "picture"


class BodyLimitHandler(FileUploadHandler):
    """Refuse a body over the limit before a byte of it is written: Django counts fields alone."""

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Any,  # noqa: N803 - Django's name
        content_length: int,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Raise ``RequestDataTooBig``, which is answered with 413."""
        if content_length > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            raise RequestDataTooBig("The body is larger than the limit.")

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        """Pass the data on to the next handler."""
        return raw_data

    def file_complete(self, file_size: int) -> None:
        """Leave the file to the next handler."""

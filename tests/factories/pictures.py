"""Pictures as a browser sends them."""

import io

from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image


def picture_file(
    name: str = "door.jpg", *, size: tuple[int, int] = (640, 480), color: str = "steelblue"
) -> SimpleUploadedFile:
    """Return a JPEG of one color with a place and a comment in its metadata."""
    exif = Image.Exif()
    exif.get_ifd(0x8825).update({1: "N", 2: (40.0, 44.0, 54.0), 3: "W", 4: (73.0, 59.0, 8.0)})
    out = io.BytesIO()
    Image.new("RGB", size, color).save(out, "JPEG", exif=exif, comment=b"taken at my own door")
    return SimpleUploadedFile(name, out.getvalue(), "image/jpeg")

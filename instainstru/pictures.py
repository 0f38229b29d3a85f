"""Pictures that people send: decoded, turned upright, made smaller and written anew as WebP.

Nothing of the file that came goes on: no metadata, no place where it was taken, no bytes behind
the picture. What a file is, its decoder says, never its name. Spec: S10.6, S17.3
"""

import io
import struct
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from PIL import Image, UnidentifiedImageError

from instainstru.uploads import MOST_BYTES, PictureError

MOST_PIXELS: Final = 40_000_000
QUALITY: Final = 80

_FORMATS: Final = ("JPEG", "PNG", "WEBP")
# Telephones write a second picture behind the first of a JPEG; a JPEG does not move.
_MAY_MOVE: Final = frozenset({"PNG", "WEBP"})
_ORIENTATION: Final = 0x0112
_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# What Pillow's readers raise on files that somebody made wrong on purpose.
_BROKEN: Final = (
    OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, AttributeError,
    ArithmeticError, MemoryError, struct.error, Image.DecompressionBombError,
)  # fmt: skip
# One picture of 40 megapixels takes 160 MB while it is decoded: one at a time in a process.
_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendition:
    """One picture as it is stored: WebP without metadata."""

    longest_px: int
    """The size that was asked for; a smaller picture keeps its own."""
    width: int
    height: int
    data: bytes


def renditions(data: bytes, sizes: Sequence[int]) -> list[Rendition]:
    """Return the picture in each of the sizes, the longest side in pixels; none is enlarged.

    See-through parts become white. Raises ``PictureError`` for a file over 5 MB or 40 megapixels,
    one that moves, is incomplete, or is no JPEG, PNG or WebP. Spec: S10.6
    """
    if len(data) > MOST_BYTES:
        raise PictureError("This picture is larger than 5 MB.")
    with _one_at_a_time:
        try:
            return _renditions(data, sorted(sizes, reverse=True))
        except PictureError:
            raise
        except _BROKEN as error:
            raise PictureError("This file is damaged or incomplete.") from error


def _renditions(data: bytes, sizes: Sequence[int]) -> list[Rendition]:
    picture = _opened(data)
    made = []
    with picture:
        # A JPEG is decoded at half or a quarter of its size where that is enough.
        picture.draft(None, (sizes[0], sizes[0]))
        upright = _upright(picture, sizes[0])
    for size in sizes:
        upright.thumbnail((size, size), Image.Resampling.LANCZOS)
        # Saving takes profiles along from what is known about an image; here nothing is.
        bare = Image.new("RGB", upright.size)
        bare.paste(upright)
        out = io.BytesIO()
        bare.save(out, "WEBP", quality=QUALITY)
        made.append(
            Rendition(longest_px=size, width=bare.width, height=bare.height, data=out.getvalue())
        )
    return made


def _opened(data: bytes) -> Image.Image:
    """Return the picture with nothing but its head read; a wrong one is refused by that."""
    try:
        picture = Image.open(io.BytesIO(data), formats=_FORMATS)
    except Image.DecompressionBombError as error:
        raise PictureError("This picture has more than 40 megapixels.") from error
    except UnidentifiedImageError as error:
        raise PictureError("Send a picture as JPEG, PNG or WebP.") from error
    if picture.width * picture.height > MOST_PIXELS:
        raise PictureError("This picture has more than 40 megapixels.")
    if picture.format in _MAY_MOVE and getattr(picture, "is_animated", False):
        raise PictureError("This picture moves. Send one that stands still.")
    return picture


def _upright(picture: Image.Image, size: int) -> Image.Image:
    """Return the decoded picture in plain colors, no larger than needed, as it was held."""
    try:
        turn = _TURNS.get(picture.getexif().get(_ORIENTATION, 1))
    except _BROKEN:
        turn = None
    flat = _in_plain_colors(picture, size)
    return flat if turn is None else flat.transpose(turn)


def _in_plain_colors(picture: Image.Image, size: int) -> Image.Image:
    picture.load()
    if picture.mode.startswith("I"):
        # 16 bits: the upper ones are what a screen shows; converting alone would cut off.
        picture = picture.convert("I").point(lambda value: value * (1 / 256)).convert("L")
    if picture.mode in {"1", "P", "PA"}:
        # Colors by number cannot be mixed when it becomes smaller.
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    elif "transparency" in picture.info:
        picture = picture.convert("RGBA")
    picture.thumbnail((size, size), Image.Resampling.LANCZOS, reducing_gap=3.0)
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    picture = picture.convert("RGBA")
    paper = Image.new("RGB", picture.size, "white")
    paper.paste(picture, mask=picture.getchannel("A"))
    return paper

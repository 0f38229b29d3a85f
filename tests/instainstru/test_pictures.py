"""Pictures that people send, and files that only look like one (S10.6, S17.3)."""

import io
import struct
import zlib
from typing import Any

import pytest
from PIL import Image

from instainstru.pictures import Rendition, renditions
from instainstru.uploads import MOST_BYTES, PictureError

pytestmark = pytest.mark.S17
RED, BLUE, WHITE = (220, 20, 20), (20, 20, 220), (255, 255, 255)
SECRET = b"40.7484 north, on my own door"


def encoded(picture: Image.Image, kind: str = "JPEG", **options: Any) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def plain(size: tuple[int, int] = (80, 40), color: Any = RED, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, color)


def halves(size: tuple[int, int] = (80, 40)) -> Image.Image:
    """Red on the left, blue on the right."""
    picture = plain(size)
    picture.paste(BLUE, (size[0] // 2, 0, *size))
    return picture


def read(made: Rendition) -> Image.Image:
    picture = Image.open(io.BytesIO(made.data))
    assert picture.format == "WEBP"
    assert picture.size == (made.width, made.height)
    picture.load()
    return picture


def one(data: bytes, size: int = 400) -> Image.Image:
    return read(renditions(data, [size])[0])


def is_near(pixel: Any, color: tuple[int, int, int]) -> bool:
    return all(abs(one - other) < 30 for one, other in zip(pixel, color, strict=True))


def chunk(kind: bytes, data: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + check


def png_of(width: int, height: int, body: bytes) -> bytes:
    """Return a PNG whose head says what it likes."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_each_kind_becomes_webp_in_each_size_and_none_grows(kind: str) -> None:
    made = renditions(encoded(halves((1000, 500)), kind), [2000, 480, 96])
    assert [(each.longest_px, each.width, each.height) for each in made] == [
        (2000, 1000, 500),
        (480, 480, 240),
        (96, 96, 48),
    ]
    for each in made:
        picture = read(each)
        assert is_near(picture.getpixel((each.width // 8, each.height // 2)), RED)
        assert is_near(picture.getpixel((each.width * 7 // 8, each.height // 2)), BLUE)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_place_and_words_in_a_picture_are_gone(kind: str) -> None:
    """S10.6: neither EXIF with GPS, XMP, comments nor profiles go on."""
    exif = Image.Exif()
    exif[0x010E] = SECRET.decode()
    exif.get_ifd(0x8825).update({1: "N", 2: (40.0, 44.0, 54.0), 3: "W", 4: (73.0, 59.0, 8.0)})
    options: dict[str, Any] = {"exif": exif, "icc_profile": SECRET * 9}
    if kind != "PNG":
        options["xmp"] = b"<x>" + SECRET + b"</x>"
    if kind == "JPEG":
        options["comment"] = SECRET
    data = encoded(plain(), kind, **options)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825)[1] == "N"
    made = renditions(data, [400])[0]
    assert not read(made).getexif()
    assert set(read(made).info) <= {"loop", "background", "timestamp", "duration"}
    assert SECRET not in made.data
    for mark in (b"EXIF", b"XMP ", b"ICCP"):
        assert mark not in made.data


@pytest.mark.parametrize("orientation", range(1, 9))
def test_picture_stands_as_it_was_held(orientation: int) -> None:
    """Red is on the left once it is turned, whatever way the camera lay."""
    turns: dict[int, Any] = {
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }
    lying = halves()
    for turn in turns.get(orientation, []):
        lying = lying.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture = one(encoded(lying, exif=exif))
    assert picture.size == (80, 40)
    assert is_near(picture.getpixel((10, 20)), RED)
    assert is_near(picture.getpixel((70, 20)), BLUE)


@pytest.mark.parametrize(
    ("picture", "kind", "color"),
    [
        (plain(mode="CMYK", color=(0, 255, 255, 30)), "JPEG", RED),
        (plain(mode="L", color=128), "JPEG", (128, 128, 128)),
        (plain(mode="I;16", color=128 * 256), "PNG", (128, 128, 128)),
        (plain(mode="1", color=1), "PNG", WHITE),
        (plain().convert("P", palette=Image.Palette.ADAPTIVE), "PNG", RED),
        (plain(mode="LA", color=(0, 0)), "PNG", WHITE),
        (plain(mode="RGBA", color=(0, 0, 0, 0)), "PNG", WHITE),
        (plain(mode="RGBA", color=(0, 0, 0, 0)), "WEBP", WHITE),
    ],
    ids=["cmyk", "gray", "16-bit", "1-bit", "palette", "see-through-gray", "png", "webp"],
)
def test_colors_of_every_kind_look_as_they_did(
    picture: Image.Image, kind: str, color: tuple[int, int, int]
) -> None:
    made = one(encoded(picture, kind))
    assert made.mode == "RGB"
    assert is_near(made.getpixel((20, 20)), color)


def test_sixteen_bits_of_each_color() -> None:
    line = b"\x00" + struct.pack(">HHH", 220 * 257, 20 * 257, 20 * 257) * 4
    head = struct.pack(">IIBBBBB", 4, 4, 16, 2, 0, 0, 0)
    body = chunk(b"IDAT", zlib.compress(line * 4))
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + body + chunk(b"IEND", b"")
    assert is_near(one(data).getpixel((1, 1)), RED)


def test_bomb_is_refused_by_its_head() -> None:
    """S17.3: 41 megapixels in some hundred bytes; nothing of it is decoded."""
    body = zlib.compress(b"\x00" * 1000)
    for width, height in ((6404, 6404), (40_000, 40_000), (2_000_000_000, 2)):
        with pytest.raises(PictureError, match="40 megapixels"):
            renditions(png_of(width, height, body), [400])
    # As many as are allowed, but not there.
    with pytest.raises(PictureError, match="damaged"):
        renditions(png_of(8000, 5000, body), [400])


def test_words_that_grow_when_unpacked_are_refused() -> None:
    """A text of 100 MB packed into 100 KB."""
    text = b"Comment\x00\x00" + zlib.compress(b"a" * 100_000_000)
    data = encoded(plain(), "PNG")
    data = data[:33] + chunk(b"zTXt", text) + data[33:]
    with pytest.raises(PictureError):
        renditions(data, [400])


def test_what_is_behind_a_picture_is_not_stored() -> None:
    """A file that is a picture and a page, or a picture and an archive, too."""
    page = b"<script>alert(document.domain)</script>" + SECRET + b"PK\x03\x04"
    for kind in ("JPEG", "PNG"):
        made = renditions(encoded(plain(), kind) + page, [400])[0]
        assert b"script" not in made.data
        assert b"PK\x03\x04" not in made.data
        assert SECRET not in made.data


@pytest.mark.parametrize("kind", ["GIF", "BMP", "TIFF", "PPM", "ICO", "PDF"])
def test_other_kinds_are_refused_whatever_they_are_called(kind: str) -> None:
    with pytest.raises(PictureError, match="JPEG, PNG or WebP"):
        renditions(encoded(plain(), kind), [400])


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no picture",
        b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
        b"GIF89a<script>alert(1)</script>",
        b"%PDF-1.7",
        b"\xff\xd8\xff",
        b"\x89PNG\r\n\x1a\n",
        b"RIFF\x00\x00\x00\x00WEBPVP8 ",
    ],
)
def test_files_that_are_no_picture_are_refused(data: bytes) -> None:
    with pytest.raises(PictureError):
        renditions(data, [400])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_half_a_picture_is_refused(kind: str) -> None:
    data = encoded(Image.effect_noise((300, 300), 90).convert("RGB"), kind)
    with pytest.raises(PictureError):
        renditions(data[: len(data) // 2], [400])


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_moving_picture_is_refused(kind: str) -> None:
    data = encoded(plain(), kind, save_all=True, append_images=[plain(color=BLUE)], duration=100)
    with pytest.raises(PictureError, match="moves"):
        renditions(data, [400])


def test_second_picture_behind_a_telephones_jpeg_is_left_out() -> None:
    data = encoded(plain(), "MPO", save_all=True, append_images=[plain(color=BLUE)])
    assert is_near(one(data).getpixel((20, 20)), RED)


def test_file_over_the_limit_is_refused() -> None:
    data = encoded(plain())
    assert renditions(data + b"\x00" * (MOST_BYTES - len(data)), [400])
    with pytest.raises(PictureError, match="5 MB"):
        renditions(data + b"\x00" * (MOST_BYTES - len(data) + 1), [400])


def test_broken_metadata_does_not_break_the_picture() -> None:
    data = encoded(plain(), exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\xff" + b"\xff" * 40)
    assert one(data).size == (80, 40)


def test_long_strip_keeps_its_shape() -> None:
    assert one(encoded(plain((20_000, 3)), "PNG")).size == (400, 1)


def test_damaged_files_never_break_the_server() -> None:
    """Every byte of the head wrong once, in turn: a picture or a refusal, nothing else."""
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encoded(halves((16, 8)), kind)
        for place in range(min(len(data), 200)):
            wrong = bytearray(data)
            wrong[place] ^= 0xFF
            try:
                renditions(bytes(wrong), [400])
            except PictureError:
                continue

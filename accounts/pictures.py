"""Keeping pictures that people send: rows first, files beside the database, both cleared up.

A crash at any point leaves a row that says ``arriving`` or a file without a row that counts, and
the sweep takes both away. No address is a path: whoever shows a picture decides who may see it and
asks for its bytes here. Spec: S10.6, S17.3
"""

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import structlog
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.db import transaction

from accounts.models import UploadedPicture, User
from instainstru import clock
from instainstru.database import tiers
from instainstru.errors import ConflictError, NotFoundError
from instainstru.uploads import PictureError

if TYPE_CHECKING:
    from instainstru.pictures import Rendition

UNFINISHED_AFTER: Final = timedelta(hours=1)
"""No request takes that long to save a picture."""
STRAY_AFTER: Final = timedelta(hours=24)
"""A file that no row speaks of goes then."""
FIELD: Final = "pictures"
_FILE: Final = re.compile(r"([0-9a-f]{32})-\d{1,5}\.webp(?:\.part)?")
_BATCH: Final = 500
_KEPT, _REMOVED = UploadedPicture.State.KEPT, UploadedPicture.State.REMOVED

log = structlog.get_logger()


@contextmanager
def arriving_pictures(
    *, owner: User, files: "Sequence[UploadedFile[Any]]", sizes: Sequence[int]
) -> Iterator[list[UploadedPicture]]:
    """Decode and store files while what they belong to is saved; an error takes them away again.

    Who saves calls :func:`keep_pictures` in their transaction; call this outside of it. ``sizes``
    are longest sides in pixels. Raises ``PictureError`` that names the file.
    """
    made = [_rendered(file, sizes) for file in files]
    stored: list[UploadedPicture] = []
    try:
        # One after the other: when the second fails, the first is known here.
        stored.extend(_store(owner, each) for each in made)
        yield stored
    except Exception:
        _take_back(stored)
        raise


def keep_pictures(pictures: Iterable[UploadedPicture]) -> None:
    """Let pictures count from the caller's transaction on.

    Raises ``ConflictError`` for one that was swept away meanwhile.
    """
    for picture in pictures:
        rows = UploadedPicture.objects.filter(pk=picture.pk, state=picture.State.ARRIVING)
        if not rows.update(state=_KEPT):
            raise ConflictError("Sending your pictures took too long. Please send them again.")


def read_picture(picture: UploadedPicture, size: int) -> bytes:
    """Return one file; raises ``NotFoundError`` for a size or a picture that is not there."""
    if not picture.is_there or size not in picture.sizes:
        raise NotFoundError("We couldn't find this picture.")
    try:
        return _path(picture.name, size).read_bytes()
    except FileNotFoundError as error:
        # A restored database may name files that were not restored; the sweep counts them.
        raise NotFoundError("This picture is no longer here.") from error


def remove_pictures(pictures: Iterable[UploadedPicture]) -> int:
    """Remove pictures from the caller's transaction on, their files after it; return how many."""
    gone = list(pictures)
    rows = UploadedPicture.objects.filter(pk__in=[picture.pk for picture in gone])
    count = rows.exclude(state=_REMOVED).update(state=_REMOVED)

    def unlink() -> None:
        for picture in gone:
            _unlink(picture.name, picture.sizes)

    transaction.on_commit(unlink)
    return count


@transaction.atomic
def remove_pictures_of(owner: User) -> int:
    """Remove everything that a person ever sent; for erasing an account. Spec: S6.2"""
    return remove_pictures(UploadedPicture.objects.filter(owner=owner))


def pictures_for_export(owner: User) -> Iterator[tuple[str, bytes]]:
    """Yield file names and bytes of what a person sent, the largest size. Spec: S6.1"""
    for picture in UploadedPicture.objects.kept().filter(owner=owner).order_by("pk"):
        with contextlib.suppress(NotFoundError):
            yield f"{picture.name}.webp", read_picture(picture, max(picture.sizes))


def sweep_pictures(now: datetime | None = None) -> dict[str, int]:
    """Clear up after processes that died; return what was found, by kind.

    ``unfinished`` rows go with their files after an hour, ``stray`` files that no kept row speaks
    of after a day, those of removed pictures at once. ``missing`` counts kept pictures without
    their files, which an error in the log tells of: nobody but a backup can bring them back.
    """
    instant = now or clock.now()
    unfinished = list(UploadedPicture.objects.arriving(instant - UNFINISHED_AFTER)[:_BATCH])
    _take_back(unfinished)
    stray = _sweep_files(instant)
    missing = sum(
        not all(_path(picture.name, size).exists() for size in picture.sizes)
        for picture in UploadedPicture.objects.kept().iterator(chunk_size=_BATCH)
    )
    if missing:
        log.error("pictures_missing", count=missing)
    return {"unfinished": len(unfinished), "stray": stray, "missing": missing}


def _rendered(file: "UploadedFile[Any]", sizes: Sequence[int]) -> "list[Rendition]":
    from instainstru.pictures import renditions  # the decoder is large and rarely needed

    try:
        return renditions(file.read(), sizes)
    except PictureError as error:
        text = f"{file.name}: {error.message}" if file.name else error.message
        raise PictureError(text, fields={FIELD: text}) from error


def _store(owner: User, made: "Sequence[Rendition]") -> UploadedPicture:
    largest = max(made, key=lambda each: each.longest_px)
    picture = UploadedPicture.objects.create(
        owner=owner,
        sizes=[each.longest_px for each in made],
        width=largest.width,
        height=largest.height,
    )
    for each in made:
        _write(_path(picture.name, each.longest_px), each.data)
    return picture


def _take_back(pictures: Iterable[UploadedPicture]) -> None:
    """Delete unfinished pictures; one that is kept by now stays, whatever failed after that."""
    for picture in pictures:
        rows = UploadedPicture.objects.filter(pk=picture.pk, state=picture.State.ARRIVING)
        if rows.delete()[0]:
            _unlink(picture.name, picture.sizes)


def _folder() -> Path:
    # The tiers of one machine share MEDIA_ROOT; none may sweep the files of another.
    return Path(settings.MEDIA_ROOT) / tiers.decision().tier.value / "pictures"


def _path(name: str, size: int) -> Path:
    return _folder() / name[:2] / f"{name}-{size}.webp"


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".webp.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)


def _unlink(name: str, sizes: Iterable[int]) -> None:
    for size in sizes:
        _path(name, size).unlink(missing_ok=True)


def _sweep_files(now: datetime) -> int:
    folder, count = _folder(), 0
    shelves = [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []
    for shelf in sorted(shelves):
        files = [path for path in shelf.iterdir() if _FILE.fullmatch(path.name)]
        names = {path.name[:32] for path in files}
        states = dict(UploadedPicture.objects.filter(name__in=names).values_list("name", "state"))
        for path in files:
            state = states.get(path.name[:32])
            is_part = path.suffix == ".part"
            if state == _REMOVED or (
                (state is None or is_part) and _changed_at(path) < now - STRAY_AFTER
            ):
                path.unlink(missing_ok=True)
                count += 1
    return count


def _changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    except FileNotFoundError:
        return datetime.max.replace(tzinfo=UTC)

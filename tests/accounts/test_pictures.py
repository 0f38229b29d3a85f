"""Stored pictures: rows first, and nothing left behind by a process that died (S17.3, S6.2)."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.db import IntegrityError, transaction
from django.test import override_settings

from accounts import pictures
from accounts.models import UploadedPicture, User
from accounts.pictures import (
    arriving_pictures,
    keep_pictures,
    pictures_for_export,
    read_picture,
    remove_pictures_of,
    sweep_pictures,
)
from instainstru import clock
from instainstru.errors import ConflictError, NotFoundError
from instainstru.uploads import PictureError
from tests.factories.accounts import UserFactory
from tests.factories.pictures import picture_file

pytestmark = [pytest.mark.S17, pytest.mark.django_db]
SIZES = (400, 100)
HOUR = timedelta(hours=1)
NOTHING = {"unfinished": 0, "stray": 0, "missing": 0}


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path) -> Any:
    with override_settings(MEDIA_ROOT=tmp_path):
        yield


def files() -> list[Path]:
    return [path for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()]


def keep(owner: User, count: int = 1) -> list[UploadedPicture]:
    sent = [picture_file(f"{number}.jpg") for number in range(count)]
    with arriving_pictures(owner=owner, files=sent, sizes=SIZES) as stored:
        keep_pictures(stored)
    return [UploadedPicture.objects.get(pk=each.pk) for each in stored]


def age(path: Path, by: timedelta) -> None:
    when = (clock.now() - by).timestamp()
    os.utime(path, (when, when))


class DiedError(BaseException):
    """What a test raises in the place of a process that ends in the middle."""


def test_picture_is_kept_in_each_size_under_a_random_name() -> None:
    """S10.6"""
    picture = keep(UserFactory())[0]
    assert sorted(path.name for path in files()) == [
        f"{picture.name}-100.webp",
        f"{picture.name}-400.webp",
    ]
    assert "door" not in str(files())
    assert (picture.width, picture.height) == (400, 300)
    data = read_picture(picture, 400)
    assert data[8:12] == b"WEBP"
    assert b"my own door" not in data
    with pytest.raises(NotFoundError):
        read_picture(picture, 401)
    assert sweep_pictures(clock.now() + 48 * HOUR) == NOTHING


def test_wrong_file_among_good_ones_stores_nothing_and_is_named() -> None:
    sent = [picture_file(), picture_file("trap.png")]
    sent[1].file.write(b"x" * 5)
    with (
        pytest.raises(PictureError, match=r"trap\.png"),
        arriving_pictures(owner=UserFactory(), files=sent, sizes=SIZES),
    ):
        pass
    assert files() == []
    assert not UploadedPicture.objects.exists()


def test_refused_report_takes_its_pictures_away_again() -> None:
    with (
        pytest.raises(ConflictError),
        arriving_pictures(owner=UserFactory(), files=[picture_file()], sizes=SIZES),
    ):
        raise ConflictError("too late")
    assert files() == []
    assert not UploadedPicture.objects.exists()


def test_error_after_saving_takes_nothing_away() -> None:
    with (
        pytest.raises(ConflictError),
        arriving_pictures(owner=UserFactory(), files=[picture_file()], sizes=SIZES) as stored,
    ):
        keep_pictures(stored)
        raise ConflictError("mail is broken")
    assert len(files()) == 2
    assert UploadedPicture.objects.get().is_there


@pytest.mark.parametrize("step", range(1, 5))
def test_process_that_dies_at_any_file_leaves_nothing(
    step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kill -9 before the first, between the files, in the middle of one: swept an hour later."""
    write, count = pictures._write, iter(range(1, 9))

    def dying(path: Path, data: bytes) -> None:
        if next(count) == step:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.with_suffix(".webp.part").write_bytes(data[:50])
            raise DiedError
        write(path, data)

    monkeypatch.setattr(pictures, "_write", dying)
    sent = [picture_file("a.jpg"), picture_file("b.jpg")]
    with (
        pytest.raises(DiedError),
        arriving_pictures(owner=UserFactory(), files=sent, sizes=SIZES),
    ):
        pass
    assert UploadedPicture.objects.count() == (step + 1) // 2
    assert sweep_pictures(clock.now() + HOUR - timedelta(minutes=1)) == NOTHING
    found = sweep_pictures(clock.now() + HOUR + timedelta(minutes=1))
    assert found["unfinished"] == (step + 1) // 2
    assert not UploadedPicture.objects.exists()
    assert all(path.suffix == ".part" for path in files())
    for path in files():
        age(path, 25 * HOUR)
    sweep_pictures()
    assert files() == []


def test_process_that_dies_before_saving_leaves_nothing() -> None:
    with (
        pytest.raises(DiedError),
        arriving_pictures(owner=UserFactory(), files=[picture_file()], sizes=SIZES),
    ):
        raise DiedError
    assert len(files()) == 2
    assert sweep_pictures(clock.now() + 2 * HOUR)["unfinished"] == 1
    assert files() == []


def test_slow_request_whose_picture_was_swept_is_refused() -> None:
    with (
        pytest.raises(ConflictError, match="too long"),
        arriving_pictures(owner=UserFactory(), files=[picture_file()], sizes=SIZES) as stored,
    ):
        sweep_pictures(clock.now() + 2 * HOUR)
        keep_pictures(stored)


def test_file_that_no_row_knows_goes_after_a_day_and_others_stay() -> None:
    keep(UserFactory())
    known = files()
    stray = known[0].with_name(f"{'ab' * 16}-400.webp")
    stray.write_bytes(b"left over")
    foreign = known[0].with_name("readme.txt")
    foreign.write_bytes(b"not ours")
    for path in [*known, foreign, stray]:
        age(path, 23 * HOUR)
    assert sweep_pictures() == NOTHING
    for path in [*known, foreign, stray]:
        age(path, 25 * HOUR)
    assert sweep_pictures() == NOTHING | {"stray": 1}
    assert set(files()) == {*known, foreign}


def test_row_without_its_file_is_told_and_not_found(caplog: pytest.LogCaptureFixture) -> None:
    """After a restore, say: the page goes on, and somebody hears of it."""
    picture = keep(UserFactory())[0]
    files()[0].unlink()
    assert sweep_pictures() == NOTHING | {"missing": 1}
    for path in files():
        path.unlink()
    with pytest.raises(NotFoundError):
        read_picture(picture, 400)


def test_erasing_removes_rows_from_sight_and_files_from_the_disk(
    django_capture_on_commit_callbacks: Any,
) -> None:
    """S6.2: only the person's own; killed before the files went, the sweep does it."""
    owner, other = UserFactory(), UserFactory()
    mine, theirs = keep(owner, 2), keep(other)
    with django_capture_on_commit_callbacks() as callbacks:
        assert remove_pictures_of(owner) == 2
        assert remove_pictures_of(owner) == 0
    assert len(files()) == 6
    mine[0].refresh_from_db()
    with pytest.raises(NotFoundError):
        read_picture(mine[0], 400)
    callbacks[0]()
    assert {path.name[:32] for path in files()} == {theirs[0].name}
    keep(owner)
    UploadedPicture.objects.filter(owner=owner).update(state="removed")
    assert sweep_pictures()["stray"] == 2
    assert list(pictures_for_export(owner)) == []


def test_export_holds_what_a_person_sent() -> None:
    """S6.1"""
    owner = UserFactory()
    keep(UserFactory())
    mine = keep(owner, 2)
    assert [name for name, _ in pictures_for_export(owner)] == [
        f"{each.name}.webp" for each in mine
    ]
    assert all(data[8:12] == b"WEBP" for _, data in pictures_for_export(owner))


@pytest.mark.parametrize("name", ["../../etc/passwd", "A" * 32, "short"])
def test_name_that_is_not_random_is_refused_by_the_database(name: str) -> None:
    with pytest.raises(IntegrityError, match="picture_name_is_random"), transaction.atomic():
        UploadedPicture.objects.create(
            owner=UserFactory(), name=name[:32], sizes=[400], width=1, height=1
        )

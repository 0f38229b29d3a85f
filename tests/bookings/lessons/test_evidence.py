"""Pictures of reports and what both sides add later (S11.8, T14, S17.3)."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client

from accounts.models import AuditEvent, UploadedPicture
from accounts.pictures import arriving_pictures
from accounts.roles import Role
from bookings.lessons.errors import LessonChangedError
from bookings.lessons.evidence import SIZES, add_evidence, evidence_of, remove_old_pictures
from bookings.lessons.models import Booking, LessonReport, ReportEvidence
from bookings.lessons.models.changes import Side
from bookings.lessons.reports import answer_report, decide_report, report_lesson
from bookings.lessons.states import Status
from instainstru import clock
from instainstru.errors import ValidationFailedError
from tests.bookings.lessons.lesson_stage import Stage, set_stage
from tests.factories.accounts import VerifiedUserFactory, student
from tests.factories.pictures import picture_file

pytestmark = [pytest.mark.S11, pytest.mark.django_db]
HOUR = timedelta(hours=1)
WORDS = "I waited at the door for half an hour."
MORE = "Here is what the doorman said about it."


@pytest.fixture
def stage() -> Stage:
    return running(set_stage())


def running(stage: Stage) -> Stage:
    Booking.objects.filter(pk=stage.lesson.pk).update(
        start_at=clock.now() - HOUR / 2, end_at=clock.now() + HOUR / 2
    )
    return stage


def browser(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def report(stage: Stage, *, kind: str = "late", pictures: int = 1) -> Any:
    fields = {
        "kind": kind,
        "statement": WORDS,
        "pictures": [picture_file(f"{number}.jpg") for number in range(pictures)],
    }
    return browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)


def address(picture: UploadedPicture, size: int = 2048) -> str:
    return f"/pictures/{picture.name}-{size}.webp"


def add(stage: Stage, *, by: str = "maya", **fields: Any) -> Any:
    side = "lessons" if by == "maya" else "teach/lessons"
    return browser(getattr(stage, by)).post(f"/{side}/{stage.code}/evidence/", fields)


def test_report_with_three_pictures_that_both_sides_see(stage: Stage) -> None:
    assert report(stage, pictures=3).status_code == 303
    kept = [item.picture for item in ReportEvidence.objects.order_by("number")]
    assert [item.number for item in ReportEvidence.objects.order_by("number")] == [1, 2, 3]
    pages = {
        person: browser(person).get(path).content.decode()
        for person, path in (
            (stage.maya, f"/lessons/{stage.code}/report/"),
            (stage.andre, f"/teach/lessons/{stage.code}/report/"),
        )
    }
    for person, page in pages.items():
        for picture in kept:
            assert picture is not None
            assert address(picture, 480) in page
            for size in SIZES:
                answer = browser(person).get(address(picture, size))
                assert answer.status_code == 200
                assert answer["Content-Type"] == "image/webp"
                assert answer.content[8:12] == b"WEBP"
                assert b"my own door" not in answer.content


def test_picture_is_sent_with_nothing_that_could_run(stage: Stage) -> None:
    """S17.3, S6.13"""
    report(stage)
    answer = browser(stage.maya).get(address(UploadedPicture.objects.get()))
    assert "sandbox" in answer["Content-Security-Policy"]
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"] == 'inline; filename="picture.webp"'
    assert "no-store" in answer["Cache-Control"]


def test_strangers_find_no_picture(stage: Stage) -> None:
    """G5: guests sign in; others get what an unknown address gets."""
    report(stage)
    path = address(UploadedPicture.objects.get())
    assert Client().get(path).status_code == 302
    other = set_stage()
    for person in (student(), other.andre, other.maya):
        assert browser(person).get(path).status_code == 404
        assert browser(person).get(f"/pictures/{'0' * 32}-480.webp").status_code == 404
    assert browser(stage.maya).get(path.replace("2048", "2047")).status_code == 404
    assert browser(stage.maya).get("/pictures/..-480.webp").status_code == 404


def test_staff_see_pictures_and_it_is_written_down(stage: Stage) -> None:
    """S5.7: with bookings.view_all, from the report's page in the admin."""
    report(stage)
    path = address(UploadedPicture.objects.get())
    support, analyst = (VerifiedUserFactory(role=role) for role in (Role.SUPPORT, Role.ANALYST))
    assert browser(analyst).get(path).status_code in {403, 404}
    answer = browser(support).get(path)
    assert answer.status_code == 200
    event = AuditEvent.objects.get(action="reportevidence.read")
    assert (event.actor, event.subject) == (support, stage.maya)
    page = browser(support).get(
        f"/admin/lessons/lessonreport/{LessonReport.objects.get().pk}/change/"
    )
    assert path in page.content.decode()


def test_words_are_kept_and_the_picture_is_asked_for_again(stage: Stage) -> None:
    """G2, S10.6: 422 with the reason, nothing stored, nothing reported."""
    trap = SimpleUploadedFile("trap.jpg", b"<svg onload=alert(1)>", "image/jpeg")
    fields = {"kind": "late", "statement": WORDS, "pictures": [picture_file(), trap]}
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)
    text = answer.content.decode()
    assert answer.status_code == 422
    assert "trap.jpg: Send a picture as JPEG, PNG or WebP." in text
    assert WORDS in text
    assert "Choose your pictures again" in text
    assert stage.fresh().status == "confirmed"
    assert not UploadedPicture.objects.exists()


def test_too_many_and_too_large_pictures_are_422(stage: Stage) -> None:
    """The limit of a body is 10 MB: three pictures may have 9 MB together, and the page says so."""
    assert (
        "all up to 9 MB"
        in browser(stage.maya).get(f"/lessons/{stage.code}/report/").content.decode()
    )
    assert "at most 3" in report(stage, pictures=4).content.decode()
    large = [SimpleUploadedFile(f"{number}.jpg", b"x" * 3_200_000) for number in range(3)]
    fields = {"kind": "late", "statement": WORDS, "pictures": large}
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)
    assert answer.status_code == 422
    assert "larger than 9 MB" in answer.content.decode()
    assert WORDS in answer.content.decode()
    fields["pictures"] = [SimpleUploadedFile("1.jpg", b"x" * 5_300_000)]
    answer = browser(stage.maya).post(f"/lessons/{stage.code}/report/", fields)
    assert "1.jpg: This picture is larger than 5 MB." in answer.content.decode()
    assert stage.fresh().status == "confirmed"


def test_same_form_twice_is_one_report_and_another_file_is_refused(stage: Stage) -> None:
    """R14: files belong to the body."""
    path, key = f"/lessons/{stage.code}/report/", {"idempotency_key": "k"}
    fields = {"kind": "late", "statement": WORDS, **key}
    client = browser(stage.maya)
    assert client.post(path, fields | {"pictures": [picture_file()]}).status_code == 303
    assert client.post(path, fields | {"pictures": [picture_file()]}).status_code == 303
    other = client.post(path, fields | {"pictures": [picture_file(color="red")]})
    assert other.status_code == 422
    assert UploadedPicture.objects.count() == 1


def test_both_sides_add_words_and_pictures_while_the_report_is_open(stage: Stage) -> None:
    """06 section 3: See report, Add evidence."""
    report(stage, pictures=2)
    lists = browser(stage.maya).get("/lessons/?tab=needs-action").content.decode()
    assert f"/lessons/{stage.code}/evidence/" in lists
    assert add(stage, statement=MORE, pictures=[picture_file()]).status_code == 303
    assert add(stage, statement=MORE).status_code == 303
    # Silence decides, so who was reported answers first.
    assert add(stage, by="andre", statement=MORE).status_code == 409
    answer = {"statement": WORDS, "pictures": [picture_file()]}
    path = f"/teach/lessons/{stage.code}/report/"
    assert browser(stage.andre).post(path, answer).status_code == 303
    assert add(stage, by="andre", pictures=[picture_file(), picture_file()]).status_code == 303
    log = evidence_of(LessonReport.objects.get(), Side.STUDENT)
    assert [(item.side, item.number, item.statement) for item in log] == [
        ("student", 1, ""), ("student", 2, ""), ("student", 1, MORE), ("student", 3, ""),
        ("student", 2, MORE), ("instructor", 1, ""), ("instructor", 2, ""), ("instructor", 3, ""),
    ]  # fmt: skip
    for person, page in (
        (stage.maya, f"/lessons/{stage.code}/report/"),
        (stage.andre, path),
    ):
        assert browser(person).get(page).content.decode().count(MORE) == 2
    assert (
        f"/teach/lessons/{stage.code}/evidence/"
        in browser(stage.andre).get(f"/teach/lessons/{stage.code}/").content.decode()
    )


def test_fourth_picture_and_nothing_at_all_are_422(stage: Stage) -> None:
    report(stage, pictures=2)
    answer = add(stage, statement=MORE, pictures=[picture_file(), picture_file()])
    assert answer.status_code == 422
    assert "you can add 1 more" in answer.content.decode()
    assert MORE in answer.content.decode()
    assert UploadedPicture.objects.count() == 2
    assert add(stage).status_code == 422
    assert add(stage, statement="  \n ").status_code == 422
    for _ in range(10):
        add_evidence(by=stage.maya, code=stage.code, side=Side.STUDENT, statement=MORE)
    with pytest.raises(ValidationFailedError):
        add_evidence(by=stage.maya, code=stage.code, side=Side.STUDENT, statement=MORE)


def test_nothing_is_added_after_the_decision(stage: Stage) -> None:
    report(stage)
    decide_report(
        by=VerifiedUserFactory(role=Role.SUPPORT),
        code=stage.code,
        status=Status.COMPLETED,
        reason="The lesson took place as agreed.",
    )
    assert add(stage, statement=MORE).status_code == 409
    assert browser(stage.maya).get(f"/lessons/{stage.code}/evidence/").status_code == 409
    assert ReportEvidence.objects.count() == 1


def test_silence_that_has_decided_closes_the_log(stage: Stage) -> None:
    """T14: what the clock decided counts before the job writes it down."""
    report(stage, kind="instructor_no_show")
    late = LessonReport.objects.get().answer_by_at + timedelta(seconds=1)
    with pytest.raises(LessonChangedError):
        add_evidence(by=stage.maya, code=stage.code, side=Side.STUDENT, statement=MORE, now=late)


def test_log_of_a_safety_report_is_no_way_to_write_to_each_other(stage: Stage) -> None:
    """S11.8: no contact; staff see both."""
    report(stage, kind="safety")
    answer_report(by=stage.andre, code=stage.code, statement=WORDS)
    assert add(stage, by="andre", statement=MORE).status_code == 303
    picture = UploadedPicture.objects.get()
    assert browser(stage.maya).get(address(picture)).status_code == 200
    assert browser(stage.andre).get(address(picture)).status_code == 404
    report_of = LessonReport.objects.get()
    assert [item.statement for item in evidence_of(report_of, Side.STUDENT)] == [""]
    assert [item.statement for item in evidence_of(report_of, Side.INSTRUCTOR)] == [MORE]


def test_strangers_add_nothing(stage: Stage) -> None:
    report(stage)
    other = set_stage()
    assert browser(other.maya).get(f"/lessons/{stage.code}/evidence/").status_code == 404
    assert browser(other.andre).get(f"/teach/lessons/{stage.code}/evidence/").status_code == 404
    fields = {"statement": MORE}
    assert browser(other.maya).post(f"/lessons/{stage.code}/evidence/", fields).status_code == 404
    assert ReportEvidence.objects.count() == 1


def test_log_is_append_only_and_takes_three_pictures_at_most(stage: Stage) -> None:
    """The database holds it, whoever writes."""
    report(stage, pictures=3)
    for change in (
        lambda: ReportEvidence.objects.update(number=2),
        lambda: ReportEvidence.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
            change()
    row = ReportEvidence.objects.latest("pk")
    for number in (3, 4):
        with (
            pytest.raises(IntegrityError, match=r"evidence_(picture|is_words)"),
            arriving_pictures(owner=stage.maya, files=[picture_file()], sizes=SIZES) as pictures,
            transaction.atomic(),
        ):
            ReportEvidence.objects.create(
                report=row.report,
                side=row.side,
                author=row.author,
                number=number,
                picture=pictures[0],
            )


def test_pictures_go_two_years_after_the_decision(stage: Stage) -> None:
    """S6.3: the row stays and says that there was one."""
    report(stage)
    decided = clock.now()
    LessonReport.objects.update(outcome="completed", decided_at=decided)
    edge = decided + timedelta(days=730)
    assert remove_old_pictures(edge) == 0
    assert remove_old_pictures(edge + timedelta(seconds=1)) == 1
    picture = UploadedPicture.objects.get()
    assert browser(stage.maya).get(address(picture)).status_code == 404
    page = browser(stage.maya).get(f"/lessons/{stage.code}/report/").content.decode()
    assert "A picture that was removed." in page


@pytest.mark.django_db(transaction=True)
def test_fourth_picture_at_the_same_moment_loses() -> None:
    """Two tabs, one place left: one gets it, the other's file is gone again."""
    stage = running(set_stage())
    report_lesson(by=stage.maya, code=stage.code, kind="late", statement=WORDS)
    with arriving_pictures(
        owner=stage.maya, files=[picture_file(), picture_file()], sizes=SIZES
    ) as two:
        add_evidence(by=stage.maya, code=stage.code, side=Side.STUDENT, pictures=two)
    start, answers = threading.Barrier(4), []

    def send() -> None:
        client = browser(stage.maya)
        start.wait()
        try:
            answer = client.post(f"/lessons/{stage.code}/evidence/", {"pictures": [picture_file()]})
            answers.append(answer.status_code)
        finally:
            connection.close()

    tabs = [threading.Thread(target=send) for _ in range(4)]
    for tab in tabs:
        tab.start()
    for tab in tabs:
        tab.join()
    assert sorted(answers) == [303, 422, 422, 422]
    assert UploadedPicture.objects.filter(state="kept").count() == 3
    assert UploadedPicture.objects.count() == 3

"""One small town for every page: made once per module, looked at by many tests."""

import re
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.test import Client

from accounts.learner_sharing import LEARNERS
from accounts.models import NotificationChoice, User
from accounts.pictures import arriving_pictures
from accounts.profile import mail_off_url
from accounts.roles import Role
from accounts.services import grant_role
from accounts.sharing import accept, invite
from accounts.support_access import take_support_access
from bookings.calendars.mails import tell_of_failure
from bookings.lessons.cancellation import cancel_lesson
from bookings.lessons.emergencies import ask_to_be_excused, decline_request
from bookings.lessons.evidence import SIZES, add_evidence
from bookings.lessons.feeds import make_feed
from bookings.lessons.goodwill import waive_fee
from bookings.lessons.late import tell_late
from bookings.lessons.mails import queue_refund_after_lost_time
from bookings.lessons.models import Booking
from bookings.lessons.models.changes import Side
from bookings.lessons.moves import move_lesson, propose_move
from bookings.lessons.policies import RefundTo
from bookings.lessons.reminders import ask_how_it_went, ask_who_came, send_reminders
from bookings.lessons.reports import answer_report, report_lesson
from bookings.lessons.strikes import add_strike
from bookings.lessons.tips import give_tip
from bookings.lessons.weather import ask_for_weather
from bookings.messages.selectors import pair_with_instructor
from bookings.messages.services import report_letter, send_message
from bookings.messages.unread import tell_of_unread
from bookings.notifications.digest import LOCAL_TIME, send_digests
from bookings.notifications.interest import (
    offer_to_teach,
    report_profile,
    send_contact_message,
    write_to_waiting,
)
from bookings.notifications.models import OutgoingMail
from bookings.payments.models import OfflineIntent
from bookings.payments.services.payees import set_payout_details
from bookings.payments.services.payouts import make_payouts, send_payouts
from bookings.reviews.reminders import remind_of_reviews
from catalog.interest import (
    join_waitlist,
    new_removal_token,
    request_alert,
    request_return,
    suggest_service,
    toggle_favorite,
)
from catalog.models import Instructor, Modality, Offering, Service, WaitlistEntry
from catalog.team import ASSISTANTS
from instainstru import clock
from search.snapshot import forget_snapshot
from tests.bookings.lessons.stage import become_guest, hold_of, pay_form
from tests.factories import payments as make
from tests.factories.accounts import LearnerFactory, VerifiedUserFactory, student
from tests.factories.availability import black_out
from tests.factories.calendars import keep_busy
from tests.factories.catalog import (
    CategoryFactory,
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ServiceFactory,
    paused_instructor,
)
from tests.factories.lessons import BookingFactory, HoldFactory, tomorrow_at
from tests.factories.pictures import picture_file
from tests.factories.staff import at_work

CATEGORIES = (
    ("Music", "music"), ("Tutoring", "graduation-cap"), ("Sports & Fitness", "dumbbell"),
    ("Language", "languages"), ("Arts", "palette"), ("Dance & Performance", "drama"),
    ("Kids", "baby"), ("Tech & Career", "laptop"), ("Hidden Gems", "gem"),
)  # fmt: skip
LONG_NAME = "Bartholomew-Alexander Featherstonehaugh-Konstantinopoulos"
GUEST_KEY = "guest-of-the-town"
PASSWORD = "quiet-harbor-lamp"


@dataclass
class Town:
    """Browsers of the people, and the words that addresses are filled in with."""

    people: dict[str, Client] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def address(self, pattern: str) -> str:
        """Fill in the codes and slugs of an address such as ``/book/{hold}/``."""
        return pattern.format(**self.words)


def build_town() -> Town:
    """Make a town in which every page has something to show."""
    from tests.e2e.town_accounts import look_after_accounts  # it names the town's own words

    town = Town()
    learner = student(email="sam@example.com", first_name="Sam", password=PASSWORD)
    newcomer = student()
    staff = VerifiedUserFactory(role=Role.ADMIN, email="ada@example.com", is_staff=True)
    town.people = {
        "guest": Client(),
        "holder": Client(),
        "student": _signed_in(learner),
        "newcomer": _signed_in(newcomer),
        "staff": at_work(staff),
        "registering": Client(),
    }
    become_guest(town.people["holder"], GUEST_KEY)
    _teach(town)
    _book(town, learner)
    _register(town, learner)
    _write_digest(learner)
    _write_and_wait(town, learner)
    _share(town, learner, newcomer, staff)
    _pay_out(town, learner)
    _write_letters(town, learner)
    look_after_accounts(town)
    town.words |= {
        "learner_key": str(learner.pk),
        "lesson_key": str(Booking.objects.filter(student=learner, code__isnull=False)[0].pk),
        "service_key": str(Service.objects.get(name="Piano").pk),
    }
    town.words["off"] = mail_off_url(learner, "reminder").rstrip("/").rsplit("/", 1)[1]
    forget_snapshot()
    return town


def _signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def _teach(town: Town) -> None:
    home = NeighborhoodFactory()
    for name, icon in CATEGORIES:
        category = CategoryFactory(name=name, icon=icon)
        ServiceFactory(name=f"First steps in {name}", category=category, subcategory="Basics")
    piano = ServiceFactory(name="Piano")
    for number in range(3):
        person = VerifiedUserFactory(role=Role.INSTRUCTOR, first_name=f"Maya{number}")
        OfferingFactory(instructor=InstructorFactory(user=person), service=piano)
    maya = InstructorFactory(slug="maya-c", base_neighborhood=home)
    OfferingFactory(instructor=maya, service=piano)
    unusual = VerifiedUserFactory(first_name=LONG_NAME, last_name="Wolfeschlegelstein")
    unusual_person = InstructorFactory(user=unusual, slug="unusual", headline="W" * 80)
    OfferingFactory(instructor=unusual_person, service=piano)
    OfferingFactory(instructor=paused_instructor(slug="paused"), service=piano)
    InstructorFactory(slug="gone", status=Instructor.Status.CLOSED)
    nobody = ServiceFactory(name="Kazoo")
    gone = ServiceFactory(name="Theremin", is_active=False)
    town.words |= {"service": piano.slug, "nobody": nobody.slug, "inactive": gone.slug}
    today = clock.now().astimezone(clock.NEW_YORK).date()
    black_out(maya, today + timedelta(days=50), today + timedelta(days=52))
    town.words["today"] = today.isoformat()


def _write_digest(learner: User) -> None:
    """At 18:00 of today, when several lessons wait for the student."""
    NotificationChoice.objects.create(user=learner, kind="digest", is_on=True)
    today = clock.now().astimezone(clock.NEW_YORK).date()
    assert send_digests(datetime.combine(today, LOCAL_TIME, clock.NEW_YORK)) == 1


def _write_and_wait(town: Town, learner: User) -> None:
    """Keep somebody, wait for a place, and send each kind of thing that staff read."""
    maya = Instructor.objects.get(slug="maya-c")
    toggle_favorite(by=learner, instructor=maya)
    token, digest = new_removal_token()
    park_slope = maya.base_neighborhood
    WaitlistEntry.objects.create(
        email="w@example.com", neighborhood=park_slope, notified_at=clock.now(), removal_hash=digest
    )
    report_profile(by=None, instructor=maya, kind="safety", text=LONG_NAME * 4)
    suggest_service(name="Nose flute", note=LONG_NAME * 4)
    request_alert(email="w@example.com", service=Service.objects.get(name="Kazoo"))
    offer_to_teach(email="t@example.com", first_name="Ty", teaches="Oud", neighborhood=park_slope)
    send_contact_message(name="Wu", email="c@example.com", topic="other", text="Hello there.")
    request_alert(email="v@example.com", service=Service.objects.get(name="Piano"))
    join_waitlist(email="v@example.com", neighborhood=park_slope)
    request_return(email="v@example.com", instructor=maya)
    assert write_to_waiting() == 3
    town.words["stop"] = token


def _share(town: Town, learner: User, newcomer: User, staff: User) -> None:
    """Let people help each other, and support look into an account."""
    maya = Instructor.objects.select_related("user").get(slug="maya-c")
    grant_role(maya.user, Role.INSTRUCTOR)
    town.people["teacher"] = _signed_in(maya.user)
    child = LearnerFactory(manager=learner, name="Leo")
    for kind, target in ((LEARNERS, child), (ASSISTANTS, maya)):
        owner = kind.owner_of(target)
        for person in (newcomer, student(first_name=LONG_NAME)):
            invite(kind, target, by=owner, email=person.email)
            accept(kind, by=person, token=_invitation_of(person))
        invite(kind, target, by=owner, email=f"{'w' * 60}@example.com")
    other = LearnerFactory(manager=newcomer, name="Noa")
    for email, word in ((learner.email, "invitation"), ("else@example.com", "not_mine")):
        invite(LEARNERS, other, by=newcomer, email=email)
        town.words[word] = _invitation_of(email)
    invite(ASSISTANTS, maya, by=maya.user, email=learner.email)
    town.words |= {"team_invitation": _invitation_of(learner.email), "learner": child.public_id}
    take_support_access(
        by=staff, on=learner, owner=learner, hours=24, reason="The student can't find a lesson."
    )


def _connect_calendars(maya: Instructor) -> None:
    """Keep this week busy elsewhere, by one calendar that is read and one that fails."""
    weekday = [(tomorrow_at(16, days=days), tomorrow_at(17, 20, days=days)) for days in (0, 1)]
    keep_busy(maya, *weekday, read_at=clock.now(), skipped_events=2)
    failing = keep_busy(
        maya,
        name="W" * 40,
        address_digest="failing",
        fault="too_slow",
        read_at=clock.now() - timedelta(hours=30),
        failing_since=clock.now() - timedelta(hours=29),
    )
    tell_of_failure(failing, is_dropped=False)


def _pay_out(town: Town, learner: User) -> None:
    """Pay the teacher, after a bank that refused."""
    maya = Instructor.objects.get(slug="maya-c")
    _connect_calendars(maya)
    set_payout_details(by=maya.user, account_number="000123451116")
    struck = BookingFactory(
        student=learner, offering=maya.offerings.get(), start_at=tomorrow_at(9, days=-9),
        status=Booking.Status.NO_SHOW_INSTRUCTOR,
    )  # fmt: skip
    add_strike(struck, "no_show", clock.now())
    town.words["struck"] = str(struck.code)
    done = BookingFactory(
        student=learner,
        offering=maya.offerings.get(),
        status=Booking.Status.COMPLETED,
        start_at=tomorrow_at(10, days=-40),
    )
    make.pay(done)
    now = clock.now()
    praised = BookingFactory(
        student=learner,
        offering=maya.offerings.get(),
        status=Booking.Status.COMPLETED,
        start_at=tomorrow_at(12, days=-3),
    )
    give_tip(by=learner, code=str(praised.code), amount_cents=1000, card=make.card())
    asked = BookingFactory(
        student=learner,
        offering=maya.offerings.get(),
        status=Booking.Status.COMPLETED,
        start_at=tomorrow_at(14, days=-6),
    )
    card = make.card(make.EXTRA_STEP)
    give_tip(by=learner, code=str(asked.code), amount_cents=1000, card=card)
    town.words["tip_bank"] = str(asked.code)
    assert remind_of_reviews(praised.end_at + timedelta(days=3)) == 1
    assert make_payouts(now) == 1
    assert send_payouts(now) == 0
    set_payout_details(by=maya.user, account_number="000123456789")
    assert send_payouts(now + timedelta(hours=73)) == 1
    town.people["teacher"] = at_work(maya.user)


def _write_letters(town: Town, learner: User) -> None:
    """Let student and teacher write to each other; one message is reported, a few stay unread."""
    pair = pair_with_instructor(by=learner, slug="maya-c")
    maya, words = pair.instructor.user, f"Which book do we use? {LONG_NAME}"
    first = send_message(by=learner, pair=pair, text=words, key="1").letter
    pair = pair_with_instructor(by=learner, slug="maya-c")
    for number in range(2, 5):
        send_message(by=maya, pair=pair, text=f"The blue one, page {number}.", key=f"{number}")
    answer = pair.thread and pair.thread.letters.get(author=maya, key="2")
    assert pair.thread is not None
    assert answer is not None
    report_letter(
        by=maya, pair=pair, public_id=first.public_id, kind="safety", text="It says too much here."
    )
    assert tell_of_unread(clock.now() + timedelta(minutes=6)) == 1
    town.words |= {"thread": pair.thread.public_id, "letter": answer.public_id}


def _invitation_of(person: User | str) -> str:
    email = person if isinstance(person, str) else person.email
    mail = OutgoingMail.objects.filter(to=email, kind__endswith="_invitation").newest_first()[0]
    found = re.search(r"/invitations/\w+/([\w-]+)/", mail.text)
    assert found
    return found[1]


def _book(town: Town, learner: User) -> None:
    offering = Instructor.objects.get(slug="maya-c").offerings.get()
    who: dict[str, Any] = {"offering": offering}
    # First: what happens to a lesson tomorrow lets the holds of today lapse.
    _change(town, learner, offering)

    def hold(days: int) -> Booking:
        return hold_of(learner, start_at=tomorrow_at(10, days=days), **who)

    held, lapsed, bank, slow, paid, cancelled = (hold(days) for days in range(3, 9))
    series, booked = (
        [
            hold_of(learner, start_at=tomorrow_at(16, days=day + 7 * n), series=key, **who)
            for n in range(3)
        ]
        for day, key in ((10, uuid4()), (11, uuid4()))
    )
    _pay(town, booked[0], make.SUCCEEDS)
    _pay(town, bank, make.EXTRA_STEP)
    _pay(town, slow, make.LATE_RESULT)
    _pay(town, paid, make.SUCCEEDS)
    _pay(town, cancelled, make.SUCCEEDS)
    # A run of all pages may take longer than a hold lives and a late bank needs.
    Booking.objects.live_holds(clock.now()).update(expires_at=clock.now() + timedelta(hours=6))
    OfflineIntent.objects.update(result_at=clock.now() + timedelta(hours=6))
    Booking.objects.filter(pk=lapsed.pk).update(expires_at=clock.now())
    of_guest = HoldFactory(
        student=None, learner=None, guest_key=GUEST_KEY,
        start_at=tomorrow_at(12, days=3), expires_at=clock.now() + timedelta(hours=6), **who,
    )  # fmt: skip
    late = BookingFactory(student=learner, start_at=tomorrow_at(15), **who)
    done = BookingFactory(
        student=learner, status=Booking.Status.COMPLETED,
        start_at=tomorrow_at(15, days=-2), **who,
    )  # fmt: skip
    for booking in (paid, cancelled, booked[0]):
        booking.refresh_from_db()
    _cancel(town, cancelled)
    queue_refund_after_lost_time(paid, amount_cents=8500, nearest=[paid.start_at])
    town.words |= {
        "hold": held.hold_id, "lapsed": lapsed.hold_id, "bank": bank.hold_id,
        "series": series[0].hold_id, "series_code": str(booked[0].code),
        "series_start": f"{tomorrow_at(16, days=3):%Y-%m-%dT%H:%M:%SZ}",
        "slow": slow.hold_id, "guest_hold": of_guest.hold_id, "code": str(paid.code),
        "late": str(late.code), "done": str(done.code), "cancelled": str(cancelled.code),
        "mail": OutgoingMail.objects.filter(kind="lesson_confirmed")[0].public_id,
    }  # fmt: skip


def _change(town: Town, learner: User, offering: Offering) -> None:
    """Ask for new times, report, cancel late: each lesson in another state of its life."""
    grant_role(offering.instructor.user, Role.INSTRUCTOR)
    who: dict[str, Any] = {"student": learner, "offering": offering}
    asked = BookingFactory(start_at=tomorrow_at(17, days=4), **who)
    propose_move(
        by=offering.instructor.user,
        code=str(asked.code),
        start_at=tomorrow_at(18, 30, days=4),
        message=f"My train is late. {LONG_NAME}",
    )
    soon = BookingFactory(start_at=clock.now() + timedelta(hours=4), **who)
    tell_late(by=offering.instructor.user, code=str(soon.code), side=Side.INSTRUCTOR, minutes=10)
    town.words["soon"] = str(soon.code)
    outdoors = BookingFactory(start_at=tomorrow_at(17, days=9), modality=Modality.PUBLIC, **who)
    code = str(outdoors.code)
    ask_for_weather(by=offering.instructor.user, code=code, side=Side.INSTRUCTOR)
    town.words["outdoors"] = code
    taught = BookingFactory(
        status=Booking.Status.ENDED, start_at=clock.now() - timedelta(hours=3), **who
    )
    reported = BookingFactory(
        status=Booking.Status.ENDED, start_at=clock.now() - timedelta(hours=6), **who
    )
    Booking.objects.filter(pk=taught.pk).update(confirmed_at=clock.now() - timedelta(days=2))
    report_lesson(by=learner, code=str(reported.code), kind="late", statement=LONG_NAME * 3)
    _show_evidence(town, learner, who)
    left = BookingFactory(start_at=tomorrow_at(12), **who)
    for booking in (taught, left):
        make.pay(booking)
    cancel_lesson(
        by=learner, code=str(left.code), reason="illness", now=left.start_at - timedelta(hours=2),
        expected_card_cents=0, expected_credit_cents=0,
    )  # fmt: skip
    _miss_and_ask(learner, town, who)
    _move_and_be_kind(learner, who)
    make_feed(by=learner)
    town.words |= {
        "asked": str(asked.code), "taught": str(taught.code), "reported": str(reported.code),
        "late_cancelled": str(left.code),
    }  # fmt: skip


def _miss_and_ask(learner: User, town: Town, who: dict[str, Any]) -> None:
    """Cancel too late, say that it was an emergency, and read a no."""
    missed = BookingFactory(start_at=tomorrow_at(13, days=9), **who)
    make.pay(missed)
    code, at = str(missed.code), missed.start_at - timedelta(hours=2)
    cancel_lesson(
        by=learner, code=code, reason="illness", now=at,
        expected_card_cents=0, expected_credit_cents=0,
    )  # fmt: skip
    ask_to_be_excused(by=learner, code=code, statement=f"I broke my arm. {LONG_NAME}", now=at)
    answer = f"Please show us a letter. {LONG_NAME}"
    decline_request(
        by=VerifiedUserFactory(role=Role.SUPPORT), code=code, answer=answer,
        reason="No letter was shown.", now=at,
    )  # fmt: skip
    town.words["not_excused"] = code


def _show_evidence(town: Town, learner: User, who: dict[str, Any]) -> None:
    """Report with a picture and answer it: a log with words and pictures of both sides."""
    booking = BookingFactory(
        status=Booking.Status.ENDED, start_at=clock.now() - timedelta(hours=9), **who
    )
    code, teacher = str(booking.code), booking.instructor.user
    with arriving_pictures(owner=learner, files=[picture_file()], sizes=SIZES) as pictures:
        report_lesson(
            by=learner, code=code, kind="late", statement=LONG_NAME * 3, pictures=pictures
        )
    answer_report(by=teacher, code=code, statement=LONG_NAME * 3)
    add_evidence(by=teacher, code=code, side=Side.INSTRUCTOR, statement=LONG_NAME * 3)
    town.words["answered"] = code


def _move_and_be_kind(learner: User, who: dict[str, Any]) -> None:
    moved = BookingFactory(start_at=tomorrow_at(17, days=12), **who)
    move_lesson(by=learner, code=str(moved.code), start_at=tomorrow_at(18, days=12))
    send_reminders(moved.start_at - timedelta(hours=22))
    ask_how_it_went(clock.now())
    ask_who_came(clock.now())
    kind = BookingFactory(start_at=tomorrow_at(14), **who)
    make.pay(kind)
    cancel_lesson(
        by=learner, code=str(kind.code), reason="illness", now=kind.start_at - timedelta(hours=2),
        expected_card_cents=0, expected_credit_cents=0,
    )  # fmt: skip
    waive_fee(
        by=kind.instructor.user, code=str(kind.code), refund_to=RefundTo.CARD, now=kind.start_at
    )


def _pay(town: Town, hold: Booking, number: str) -> None:
    fields = pay_form(hold, number, idempotency_key=hold.hold_id)
    answer = town.people["student"].post(f"/book/{hold.hold_id}/pay/", fields)
    assert answer.status_code in (302, 303), answer.status_code


def _cancel(town: Town, booking: Booking) -> None:
    fields = {"reason": "illness", "card_refund_cents": booking.total_cents, "credit_cents": 0}
    answer = town.people["student"].post(f"/lessons/{booking.code}/cancel/", fields)
    assert answer.status_code in (302, 303), answer.status_code


def _register(town: Town, learner: User) -> None:
    """Bring one browser to the code of a sign-up, and write every mail of the account pages."""
    fields = {
        "first_name": "Kim",
        "last_name": "Lee",
        "password1": "quiet-harbor-lamp",
        "terms": "on",
    }
    for person, email in (("registering", "kim@example.com"), ("holder", learner.email)):
        answer = town.people[person].post("/accounts/signup/", {**fields, "email": email})
        assert answer.status_code in (302, 303), answer.status_code
    town.words["reset_key"] = _reset_key(learner)
    forgetful, browser = student(), Client()
    link = f"/accounts/password/reset/key/{_reset_key(forgetful)}/"
    form = browser.get(link, follow=True).request["PATH_INFO"]
    browser.post(form, {"password1": "another-quiet-lamp"})
    for email in (learner.email, "nobody@example.com"):
        Client().post("/accounts/password/reset/", {"email": email})
    assert settings.EMAIL_BACKEND.endswith("OutboxEmailBackend")


def _reset_key(user: User) -> str:
    return f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"


def session_cookies(client: Client, url: str) -> list[dict[str, str]]:
    """Return the cookies of a test client as a browser takes them."""
    return [
        {"name": name, "value": re.sub(r'^"|"$', "", morsel.value), "url": url}
        for name, morsel in client.cookies.items()
    ]

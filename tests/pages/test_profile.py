"""The public profile: states, panel, times, budgets."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import brotli
import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from bookings.reviews.models import InstructorStatistics, Review
from bookings.reviews.services import rebuild_statistics
from catalog.models import Instructor, Modality
from instainstru.templatetags.ui import format_when
from tests.factories.accounts import LearnerFactory, UserFactory, student
from tests.factories.catalog import (
    CategoryFactory,
    CredentialFactory,
    InstructorFactory,
    NeighborhoodFactory,
    OfferingFactory,
    ProfileQuestionFactory,
    ServiceFactory,
    expired_check_on,
)
from tests.factories.lessons import BookingFactory, tomorrow_at
from tests.factories.reviews import CompletedLessonFactory, ReviewFactory, reviews_of

pytestmark = [pytest.mark.django_db, pytest.mark.S10]

HTMX = {"HX-Request": "true"}


def page_of(person: Instructor) -> str:
    return reverse("instructor-profile", args=[person.slug])


def test_live_profile_shows_who_what_where_and_for_how_much(client: Client) -> None:
    """S10.1, S10.2: prices per duration, area, checks with dates, and no invented rating."""
    offering = OfferingFactory(materials_note="A keyboard is enough.")
    html = client.get(page_of(offering.instructor)).content.decode()
    for words in (
        "Maya C.",
        'data-label="60 min">$85<',
        "Park Slope",
        "Background checked",
        "keyboard",
    ):
        assert words in html
    assert "New on InstaInstru" in html
    assert offering.instructor.studio_address not in html
    assert offering.instructor.online_link not in html
    assert "Cohen" not in html


@pytest.mark.parametrize(
    ("status", "expected"),
    [("live", 200), ("paused", 200), ("draft", 404), ("suspended", 404), ("closed", 410)],
)
def test_states_answer_as_specified(client: Client, status: str, expected: int) -> None:
    """S10.3."""
    offering = OfferingFactory(instructor__status=status)
    assert client.get(page_of(offering.instructor)).status_code == expected


def test_unknown_slug_is_404(client: Client) -> None:
    assert client.get("/i/nobody-x/").status_code == 404


def test_owner_previews_a_draft_and_nobody_else_does(client: Client) -> None:
    """S10.3."""
    person = OfferingFactory(instructor__status="draft").instructor
    client.force_login(UserFactory())
    assert client.get(page_of(person)).status_code == 404
    client.force_login(person.user)
    response = client.get(page_of(person))
    assert response.status_code == 200
    assert b"Only you can see this page" in response.content
    person.status = "suspended"
    person.save()
    assert client.get(page_of(person)).status_code == 404


def test_own_profile_has_no_booking_controls(client: Client) -> None:
    """S10.5."""
    person = OfferingFactory().instructor
    client.force_login(person.user)
    html = client.get(page_of(person)).content.decode()
    assert "This is how students see you" in html
    assert "Book this time" not in html
    assert 'id="days"' not in html
    assert "bottom-bar" not in html


def test_paused_profile_cannot_be_booked_and_names_others(client: Client) -> None:
    """S10.3, S15.11."""
    offering = OfferingFactory(instructor__status="paused")
    other = OfferingFactory(service=offering.service)
    html = client.get(page_of(offering.instructor)).content.decode()
    assert "isn&#x27;t taking bookings" in html or "isn't taking bookings" in html
    assert page_of(other.instructor) in html
    assert "Book this time" not in html
    assert 'id="days"' not in html
    assert reverse("lessons:times", args=[offering.instructor.slug]) not in html


def test_panel_is_a_get_form_that_keeps_the_search(client: Client) -> None:
    """S10.4."""
    person = InstructorFactory()
    OfferingFactory(instructor=person, service=ServiceFactory(name="Piano"))
    OfferingFactory(
        instructor=person,
        service=ServiceFactory(name="Organ"),
        modalities=[Modality.ONLINE],
        prices={30: 4000, 45: 5000},
    )
    on = f"{tomorrow_at(12, days=9):%Y-%m-%d}"
    query = {"service": "organ", "duration": "45", "place": "online", "date": on}
    html = client.get(page_of(person), query).content.decode()
    assert f'action="{reverse("lessons:times", args=[person.slug])}"' in html
    assert '<option value="organ" selected>' in html
    assert 'id="p_duration_45" checked' in html
    assert f'name="date" value="{on}"' in html
    assert "Book this time" in html


@pytest.mark.parametrize(
    "query",
    [
        {"service": "'; DROP TABLE", "duration": "-1", "place": "moon", "date": "2026-02-31"},
        {"service": "x" * 9000, "duration": "9" * 500, "date": "0000-00-00", "start": "\x00"},
        {"duration": "٣٠", "date": "🎹", "place": "\u202e"},
    ],
)
def test_nonsense_in_the_address_is_ignored_with_a_notice(
    client: Client, query: dict[str, str]
) -> None:
    """S10.4: never 500."""
    person = OfferingFactory().instructor
    response = client.get(page_of(person), query)
    assert response.status_code == 200
    assert "ignored" in response.content.decode() or "on offer" in response.content.decode()


def test_panel_alone_for_htmx(client: Client) -> None:
    """G1: one URL, two renderings; the days follow the chosen length."""
    person = OfferingFactory().instructor
    html = client.get(page_of(person), {"duration": "30"}, headers=HTMX).content.decode()
    assert "<html" not in html
    assert 'id="p_duration_30" checked' in html
    assert 'hx-swap-oob="true"' in html
    assert "30 minutes" in html


def test_shown_times_are_bookable_and_taken_ones_are_gone(client: Client) -> None:
    """00 section 3: a shown time is bookable."""
    offering = OfferingFactory()
    start = tomorrow_at(9)
    query = {"date": f"{start.astimezone():%Y-%m-%d}", "duration": "60"}
    value = f"start={start:%Y-%m-%dT%H}%3A00%3A00Z"
    assert value in client.get(page_of(offering.instructor), query).content.decode()
    BookingFactory(offering=offering, start_at=start)
    assert value not in client.get(page_of(offering.instructor), query).content.decode()


def test_profile_query_budget_does_not_grow_with_rows(
    client: Client, django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Performance D6: six on a miss, and one of vectors, whose number is known for minutes."""
    monkeypatch.setattr("search.nearest.has_many_offerings", lambda: False)
    small = OfferingFactory().instructor
    large = InstructorFactory(serves=[NeighborhoodFactory(name=f"Area {n}") for n in range(6)])
    for number in range(4):
        offering = OfferingFactory(
            instructor=large, service=ServiceFactory(name=f"Subject {number}")
        )
        reviews_of(offering, 5, 4, 5)
        OfferingFactory(service=offering.service)
        CredentialFactory(instructor=large, position=number + 1)
        ProfileQuestionFactory(instructor=large, position=number + 1)
    rebuild_statistics()
    for person in (small, large):
        with django_assert_max_num_queries(7):
            assert client.get(page_of(person)).status_code == 200


def test_signed_in_profile_is_private(client: Client) -> None:
    """S9.3."""
    person = OfferingFactory().instructor
    assert "private" not in client.get(page_of(person)).headers.get("Cache-Control", "")
    client.force_login(UserFactory())
    assert "no-store" in client.get(page_of(person))["Cache-Control"]


def html_of(client: Client, person: Instructor, **query: str) -> str:
    response = client.get(page_of(person), query)
    assert response.status_code == 200
    return response.content.decode()


def test_chosen_day_lists_its_times_and_stays_in_view(client: Client) -> None:
    """S10.1: the strip counts the starts of each day; choosing one lists them."""
    person = OfferingFactory().instructor
    on = tomorrow_at(12, days=17).date()
    html = html_of(client, person, date=on.isoformat())
    assert f'id="day-{on}"' in html
    assert 'aria-current="date"' in html
    assert html.count(f"date={on}&amp;start=") == 21
    assert 'aria-label="A week earlier"' in html


def test_strip_moves_by_weeks_between_today_and_sixty_days(client: Client) -> None:
    person = OfferingFactory().instructor
    first = html_of(client, person)
    assert "A week earlier" not in first
    assert "A week later" in first
    today = tomorrow_at(12, days=0).date()
    far = html_of(client, person, week=(today + timedelta(days=58)).isoformat())
    assert "A week earlier" in far
    assert "A week later" not in far
    assert f"{today + timedelta(days=56)}" in far
    for wrong in ("2020-01-01", "2099-12-31", "9999-99-99", "\x00"):
        assert (
            f'id="day-{today + timedelta(days=1)}"' in html_of(client, person, week=wrong)
            or wrong == "2099-12-31"
        )


def test_a_date_out_of_reach_is_named_and_ignored(client: Client) -> None:
    """S10.4."""
    html = html_of(client, OfferingFactory().instructor, date="2090-01-02")
    assert "That date can&#x27;t be booked" in html
    assert 'name="date"' not in html


def test_a_start_that_is_gone_is_named(client: Client) -> None:
    """S10.4: the same times as everywhere, and never a dead one preselected."""
    offering = OfferingFactory()
    start = BookingFactory(offering=offering, start_at=tomorrow_at(9)).start_at
    html = html_of(client, offering.instructor, start=f"{start:%Y-%m-%dT%H:%M:%SZ}")
    assert "That time is not available any more." in html
    assert f'value="{start:%Y-%m-%dT%H:%M:%SZ}"' not in html


def test_policy_has_a_date_once_a_time_is_chosen(client: Client) -> None:
    """S10.1."""
    start = tomorrow_at(10, days=5)
    html = html_of(
        client, OfferingFactory().instructor, start=f"{start:%Y-%m-%dT%H:%M:%SZ}", duration="60"
    )
    day_before = format_when(start - timedelta(hours=24), "America/New_York")
    assert f">{day_before}</time>" in html
    assert f'value="{start:%Y-%m-%dT%H:%M:%SZ}" id="p_start' in html


def test_empty_fortnight_names_the_next_time(client: Client) -> None:
    """S10.1: "Next available" jumps over empty weeks."""
    person = OfferingFactory(instructor__rules={"min_notice_minutes": 14 * 1440}).instructor
    html = html_of(client, person)
    assert "No times in these days. Next available:" in html


def test_no_times_at_all_says_so_and_offers_others(client: Client) -> None:
    offering = OfferingFactory(instructor__weekly=[])
    other = OfferingFactory(service=offering.service)
    html = html_of(client, offering.instructor)
    assert html.count("No open times in the next 60 days.") == 2
    assert "Book this time" not in html
    assert page_of(other.instructor) in html


def test_reviews_show_numbers_and_never_the_learner(client: Client) -> None:
    """S10.1, S11.3, S11.12, S11.13."""
    offering = OfferingFactory(service=ServiceFactory(name="Piano"))
    reviews_of(offering, 5, 5, 4)
    writer = student(first_name="Priya", last_name="Sharma")
    child = LearnerFactory(manager=writer, name="Zebulon")
    ReviewFactory(
        booking=CompletedLessonFactory(offering=offering, student=writer, learner=child),
        overall=2, text="We began late and <b>ended</b> on time.", clarity=2,
        reply="Thank you, I will do better.", replied_at=tomorrow_at(9, days=-1),
    )  # fmt: skip
    ReviewFactory(
        booking=CompletedLessonFactory(offering=offering, start_at=tomorrow_at(15, days=-9)),
        text="Nobody should read these words.", is_hidden=True, hidden_reason="Insulting.",
        hidden_at=tomorrow_at(9, days=-1),
    )  # fmt: skip
    rebuild_statistics()
    html = html_of(client, offering.instructor)
    assert "4 reviews, 1 hidden by moderators" in html
    assert '<rect width="50%"' in html
    assert "&lt;b&gt;ended&lt;/b&gt;" in html
    assert "Thank you, I will do better." in html
    assert "Priya" in html
    for secret in ("Zebulon", "Sharma", "Nobody should read"):
        assert secret not in html
    assert "<dt>Clarity</dt>" not in html  # one answer is no average


def test_two_reviews_are_shown_without_an_average(client: Client) -> None:
    """S10.2."""
    offering = OfferingFactory()
    reviews_of(offering, 5, 1)
    rebuild_statistics()
    html = html_of(client, offering.instructor)
    assert "New on InstaInstru" in html
    assert "2 reviews so far" in html
    assert "Clear, kind and always prepared." in html
    assert "aggregateRating" not in html
    assert '<span class="stat-value rating">' not in html


def test_reviews_come_ten_at_a_time_and_can_be_filtered(client: Client) -> None:
    """S10.1: filter by service, pages as links and as a fragment."""
    person = InstructorFactory()
    piano = OfferingFactory(instructor=person, service=ServiceFactory(name="Piano"))
    organ = OfferingFactory(instructor=person, service=ServiceFactory(name="Organ"))
    reviews_of(piano, *[5] * 11)
    ReviewFactory(booking__offering=organ, text="The pedals make sense to me now.")
    rebuild_statistics()
    html = html_of(client, person)
    assert html.count('class="review-head"') == 10
    assert "Page 1 of 2" in html
    assert html_of(client, person, page="2").count('class="review-head"') == 2
    assert html_of(client, person, page="99").count('class="review-head"') == 2
    assert html_of(client, person, page="٣").count('class="review-head"') == 10
    only = html_of(client, person, about="organ")
    assert only.count('class="review-head"') == 1
    assert "The pedals make sense to me now." in only
    assert html_of(client, person, about="nonsense\x00").count('class="review-head"') == 10
    part = client.get(page_of(person), {"page": "2"}, headers={**HTMX, "HX-Target": "reviews"})
    assert part.content.decode().strip().startswith("<section")
    assert part.content.decode().count('class="review-head"') == 2


def test_newest_reviews_come_first(client: Client) -> None:
    offering = OfferingFactory()
    for number, review in enumerate(reviews_of(offering, 5, 5, 5)):
        Review.objects.filter(pk=review.pk).update(
            text=f"These are the words of number {number}.",
            revealed_at=tomorrow_at(9, days=-4 + number),
            created_at=tomorrow_at(9, days=-20),
        )
    rebuild_statistics()
    html = html_of(client, offering.instructor)
    assert html.index("number 2.") < html.index("number 1.") < html.index("number 0.")


def test_badges_explain_themselves(client: Client) -> None:
    """S10.1: date and expiry of the check; founding says what it does not say."""
    person = OfferingFactory(
        instructor__background_checked_on=date(2026, 2, 28), instructor__is_founding=True
    ).instructor
    with time_machine.travel(datetime(2026, 6, 1, 12, tzinfo=UTC)):
        html = html_of(client, person)
        assert "passed a criminal background check on February 28, 2026" in html
        assert "It counts until February 28, 2028" in html
        assert "among the first 100 instructors" in html
        assert "Top instructor" not in html
    with time_machine.travel(datetime(2028, 3, 1, 12, tzinfo=UTC)):
        assert "passed a criminal background check" not in html_of(client, person)


def test_top_badge_is_computed(client: Client) -> None:
    """S10.1."""
    offering = OfferingFactory()
    reviews_of(offering, 5, 5, 5)
    rebuild_statistics()
    row = InstructorStatistics.objects.filter(instructor=offering.instructor)
    row.update(recent_lesson_count=40, lessons_taught=40)
    assert "taught 40 lessons and missed none" in html_of(client, offering.instructor)
    row.update(recent_no_show_count=1)
    assert "Top instructor" not in html_of(client, offering.instructor)


def test_credentials_say_who_vouches_for_them(client: Client) -> None:
    """S10.1."""
    person = OfferingFactory().instructor
    CredentialFactory(instructor=person, position=1, title="B.Mus., Performance")
    html = html_of(client, person)
    assert "Says so themself" in html
    assert "Verified</span>" not in html
    CredentialFactory(instructor=person, position=2, verified_on=date(2026, 1, 5))
    assert "document seen Jan 2026" in html_of(client, person)


def test_questions_are_answered(client: Client) -> None:
    person = OfferingFactory().instructor
    ProfileQuestionFactory(instructor=person, question="Do you have a <dog>?", answer="No.")
    assert "Do you have a &lt;dog&gt;?" in html_of(client, person)


def test_facts_are_shown_only_when_they_mean_something(client: Client) -> None:
    """S10.1: the repeat rate from ten students on."""
    offering = OfferingFactory()
    CompletedLessonFactory(offering=offering)
    rebuild_statistics()
    html = html_of(client, offering.instructor)
    assert "<li>1 lesson taught</li>" in html
    assert "come back" not in html
    InstructorStatistics.objects.filter(instructor=offering.instructor).update(
        lessons_taught=30, student_count=10, repeat_student_count=7
    )
    assert "70% of students come back" in html_of(client, offering.instructor)


def test_similar_teaches_the_same_nearby_and_shows_real_times(client: Client) -> None:
    """S10.1: same services first, then the same category; never suspended or unchecked people."""
    piano = ServiceFactory(name="Piano")
    person = OfferingFactory(service=piano).instructor
    far = NeighborhoodFactory(name="Astoria", borough="Queens")
    same = OfferingFactory(service=piano, instructor__base_neighborhood=far).instructor
    kin = OfferingFactory(service=ServiceFactory(name="Organ")).instructor
    chess = ServiceFactory(name="Chess", category=CategoryFactory(name="Games"))
    hidden = [
        OfferingFactory(service=chess),
        OfferingFactory(service=piano, instructor__status="suspended"),
        OfferingFactory(service=piano, instructor__background_checked_on=expired_check_on()),
    ]
    html = html_of(client, person)
    part = html[html.index('id="similar"') :]
    assert part.index(page_of(same)) < part.index(page_of(kin))
    assert f"{reverse('lessons:times', args=[same.slug])}?" in part
    for offering in hidden:
        assert page_of(offering.instructor) not in part


def test_closed_profile_offers_similar_ones(client: Client) -> None:
    """S10.3."""
    offering = OfferingFactory(instructor__status="closed")
    other = OfferingFactory(service=offering.service)
    response = client.get(page_of(offering.instructor))
    assert response.status_code == 410
    assert page_of(other.instructor) in response.content.decode()


def test_structured_data_is_true_and_cannot_be_broken_out_of(client: Client) -> None:
    """S10.2, S17.3: real counts only, and text inside stays text."""
    offering = OfferingFactory(
        instructor__headline="Piano </script><script>alert(1)</script> & more"
    )
    reviews_of(offering, 5, 5, 4)
    rebuild_statistics()
    html = html_of(client, offering.instructor)
    start = html.index('<script type="application/ld+json">') + 35
    block = html[start : html.index("</script>", start)]
    data = json.loads(block)
    teacher, lessons = data["@graph"][1:]
    assert teacher["description"] == offering.instructor.headline
    assert lessons["aggregateRating"]["reviewCount"] == 3
    assert lessons["aggregateRating"]["ratingValue"] == "4.7"
    assert lessons["offers"]["lowPrice"] == "45.00"
    assert "<script>alert" not in html


def test_page_stays_within_its_bytes(client: Client) -> None:
    """Performance D6: 60 KB, 8 KB compressed; a full profile with ten reviews."""
    person = InstructorFactory(serves=[NeighborhoodFactory(name=f"Area {n}") for n in range(15)])
    for number in range(8):
        offering = OfferingFactory(
            instructor=person, service=ServiceFactory(name=f"Subject {number}")
        )
        reviews_of(offering, 5, 4)
        OfferingFactory(service=offering.service)
    rebuild_statistics()
    html = client.get(page_of(person)).content
    assert len(html) <= 60_000
    assert len(brotli.compress(html, quality=5)) <= 8_000


def test_long_names_and_words_are_kept_apart_from_markup(client: Client) -> None:
    person = OfferingFactory(
        instructor__display_name="W" * 77 + " X.", instructor__bio="x" * 1900,
        instructor__headline="\u202eabc \U0001f3b9 " + "y" * 60,
    ).instructor  # fmt: skip
    assert "W" * 77 in html_of(client, person)

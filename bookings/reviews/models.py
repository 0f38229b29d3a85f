"""A review of a lesson, and the statistics that pages and ranking read (Spec: S10.7, 06 §4)."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Length
from django.db.models.lookups import GreaterThanOrEqual, LessThanOrEqual

from accounts.models import User
from bookings.lessons.models import Booking
from bookings.reviews.managers import ReviewQuerySet, StatisticsQuerySet
from bookings.reviews.ratings import Rating, StarRow, percent, star_rows
from catalog.models import Category, Instructor, Service
from instainstru import clock
from instainstru.identifiers import public_id

STARS = [1, 2, 3, 4, 5]
TEXT_LENGTH = (20, 1500)
REPLY_LENGTH = (20, 1000)
NOTE_LENGTH = 1000


def _stars_or_nothing(field: str) -> Q:
    return Q(**{f"{field}__isnull": True}) | Q(**{f"{field}__in": STARS})


def _empty_or_between(field: str, length: tuple[int, int]) -> Q:
    between = Q(GreaterThanOrEqual(Length(field), length[0])) & Q(
        LessThanOrEqual(Length(field), length[1])
    )
    return Q(**{field: ""}) | between


class Review(models.Model):
    """What a student says about one lesson; public from ``revealed_at`` on unless hidden.

    Instructor, student and service are copied from the booking, so that lists and statistics
    need no way through it. Spec: S11.3, S11.11-S11.13
    """

    public_id = models.CharField(max_length=10, default=public_id, editable=False)
    booking = models.OneToOneField(Booking, on_delete=models.PROTECT, related_name="review")
    instructor = models.ForeignKey(Instructor, on_delete=models.PROTECT, related_name="reviews")
    student = models.ForeignKey(User, on_delete=models.PROTECT, related_name="reviews")
    service = models.ForeignKey(Service, on_delete=models.PROTECT, related_name="reviews")

    overall = models.PositiveSmallIntegerField()
    clarity = models.PositiveSmallIntegerField(null=True, blank=True)
    punctuality = models.PositiveSmallIntegerField(null=True, blank=True)
    preparation = models.PositiveSmallIntegerField(null=True, blank=True)
    text = models.TextField(blank=True)
    staff_note = models.TextField(blank=True, help_text="Only staff sees it.")
    is_no_show = models.BooleanField(default=False, help_text="The instructor did not come.")

    created_at = models.DateTimeField(default=clock.now)
    edited_at = models.DateTimeField(null=True, blank=True)
    revealed_at = models.DateTimeField(
        help_text="The end of the window, or earlier: when both sides have rated the lesson."
    )
    changed_at = models.DateTimeField(default=clock.now, help_text="Any change at all.")

    reply = models.TextField(blank=True)
    replied_at = models.DateTimeField(null=True, blank=True)

    is_hidden = models.BooleanField(default=False)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_reason = models.CharField(max_length=300, blank=True)

    objects = ReviewQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["public_id"], name="review_public_id_unique"),
            models.CheckConstraint(condition=Q(overall__in=STARS), name="review_overall_1_to_5"),
            models.CheckConstraint(
                condition=_stars_or_nothing("clarity")
                & _stars_or_nothing("punctuality")
                & _stars_or_nothing("preparation"),
                name="review_parts_1_to_5",
            ),
            models.CheckConstraint(
                condition=_empty_or_between("text", TEXT_LENGTH), name="review_text_length"
            ),
            models.CheckConstraint(
                condition=Q(overall__gt=3) | ~Q(text=""), name="review_low_has_text"
            ),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("staff_note"), NOTE_LENGTH),
                name="review_staff_note_length",
            ),
            models.CheckConstraint(
                condition=_empty_or_between("reply", REPLY_LENGTH), name="review_reply_length"
            ),
            models.CheckConstraint(
                condition=Q(reply="", replied_at__isnull=True)
                | (~Q(reply="") & Q(replied_at__isnull=False)),
                name="review_reply_has_time",
            ),
            models.CheckConstraint(
                condition=Q(is_hidden=False, hidden_at__isnull=True, hidden_reason="")
                | (Q(is_hidden=True, hidden_at__isnull=False) & ~Q(hidden_reason="")),
                name="review_hidden_has_reason",
            ),
            models.CheckConstraint(
                condition=Q(revealed_at__gte=F("created_at"))
                & (Q(edited_at__isnull=True) | Q(edited_at__gte=F("created_at"))),
                name="review_times_ordered",
            ),
        ]
        indexes = [
            models.Index(fields=["instructor", "-revealed_at", "-id"], name="review_by_instructor"),
            models.Index(fields=["revealed_at"], name="review_by_reveal"),
            models.Index(fields=["changed_at"], name="review_by_change"),
        ]

    def __str__(self) -> str:
        return self.public_id


class InstructorStatistics(models.Model):
    """Every number that pages and ranking say about an instructor; written by jobs alone.

    Counts and sums of whole stars, so that a rebuild gives the same row to the last digit.
    Spec: S10.7, S11.13
    """

    instructor = models.OneToOneField(
        Instructor, on_delete=models.CASCADE, related_name="statistics", primary_key=True
    )
    review_count = models.PositiveIntegerField(default=0, help_text="Published reviews.")
    rating_sum = models.PositiveIntegerField(default=0)
    stars_1 = models.PositiveIntegerField(default=0)
    stars_2 = models.PositiveIntegerField(default=0)
    stars_3 = models.PositiveIntegerField(default=0)
    stars_4 = models.PositiveIntegerField(default=0)
    stars_5 = models.PositiveIntegerField(default=0)
    clarity_count = models.PositiveIntegerField(default=0)
    clarity_sum = models.PositiveIntegerField(default=0)
    punctuality_count = models.PositiveIntegerField(default=0)
    punctuality_sum = models.PositiveIntegerField(default=0)
    preparation_count = models.PositiveIntegerField(default=0)
    preparation_sum = models.PositiveIntegerField(default=0)
    hidden_count = models.PositiveIntegerField(default=0, help_text="Hidden by a moderator.")
    reviews_by_service = models.JSONField(default=dict, help_text="Published, by service id.")
    lessons_taught = models.PositiveIntegerField(default=0)
    student_count = models.PositiveIntegerField(default=0)
    repeat_student_count = models.PositiveIntegerField(default=0)
    recent_lesson_count = models.PositiveIntegerField(
        default=0, help_text="Taught in the days that the Top badge looks at."
    )
    recent_no_show_count = models.PositiveIntegerField(default=0)
    recent_question_count = models.PositiveIntegerField(
        default=0,
        db_default=0,
        help_text="Students' messages after a day of silence, in 30 days.",
    )
    recent_reply_count = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of them answered."
    )
    recent_quick_reply_count = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of them answered within two hours."
    )
    median_reply_minutes = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Of the answers; says nothing without one."
    )
    refreshed_at = models.DateTimeField(default=clock.now)

    objects = StatisticsQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "instructor statistics"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    review_count=F("stars_1")
                    + F("stars_2")
                    + F("stars_3")
                    + F("stars_4")
                    + F("stars_5")
                ),
                name="statistics_stars_add_up",
            ),
            models.CheckConstraint(
                condition=Q(repeat_student_count__lte=F("student_count"))
                & Q(student_count__lte=F("lessons_taught")),
                name="statistics_students_add_up",
            ),
            models.CheckConstraint(
                condition=Q(recent_quick_reply_count__lte=F("recent_reply_count"))
                & Q(recent_reply_count__lte=F("recent_question_count")),
                name="statistics_replies_add_up",
            ),
        ]
        indexes = [models.Index(fields=["refreshed_at"], name="statistics_by_refresh")]

    @property
    def rating(self) -> Rating:
        """The overall rating."""
        return Rating(self.review_count, self.rating_sum)

    @property
    def parts(self) -> list[tuple[str, Rating]]:
        """The sub-ratings with their names."""
        return [
            ("Clarity", Rating(self.clarity_count, self.clarity_sum)),
            ("Punctuality", Rating(self.punctuality_count, self.punctuality_sum)),
            ("Preparation", Rating(self.preparation_count, self.preparation_sum)),
        ]

    @property
    def distribution(self) -> list[StarRow]:
        """How many reviews gave each number of stars, five first."""
        return star_rows([self.stars_1, self.stars_2, self.stars_3, self.stars_4, self.stars_5])

    @property
    def repeat_percent(self) -> int:
        """The share of students who came back, in whole per cent."""
        return percent(self.repeat_student_count, self.student_count)


class CategoryStatistics(models.Model):
    """The published ratings of a category: what ranking expects of somebody new (Spec: S8.3)."""

    category = models.OneToOneField(
        Category, on_delete=models.CASCADE, related_name="statistics", primary_key=True
    )
    review_count = models.PositiveIntegerField(default=0)
    rating_sum = models.PositiveIntegerField(default=0)
    refreshed_at = models.DateTimeField(default=clock.now)

    class Meta:
        verbose_name_plural = "category statistics"

"""The marketplace's business numbers (Spec: 00 section 6)."""

from django.db import models
from django.db.models import F, Q

from catalog.managers import PolicyManager
from instainstru import clock

# Within these bounds every factor of the order is above 0 and none falls as somebody gets better.
RANKING_BOUNDS = (
    ("rank_words_pct", 0, 100),
    ("rank_least_availability_pct", 1, 100),
    ("rank_full_starts", 1, 100),
    ("rank_distance_meters", 100, 30_000),
    ("rank_price_pct", 0, 90),
    ("rank_price_spread_pct", 10, 500),
    ("rank_imagined_reviews", 1, 100),
    ("rank_usual_rating_hundredths", 100, 500),
    ("rank_reply_pct", 0, 90),
    ("rank_completion_pct", 0, 90),
    ("rank_boost_pct", 0, 50),
    ("rank_boost_lessons", 1, 100),
    ("rank_luck_pct", 0, 5),
    ("rank_neighbors_in_row", 1, 50),
    ("search_page_size", 5, 50),
)


def _ranking_bound(field: str, low: int, high: int) -> models.CheckConstraint:
    name = field.removeprefix("rank_").replace("_", " ")
    return models.CheckConstraint(
        condition=Q(**{f"{field}__gte": low, f"{field}__lte": high}),
        name=f"policy_{field}_bounds",
        violation_error_message=f"The number for {name} must be {low} to {high}.",
    )


class Policy(models.Model):
    """The business numbers; a change is a new row, the newest is in force (Spec: 00 section 6)."""

    fee_standard_pct = models.PositiveSmallIntegerField(default=15)
    fee_founding_pct = models.PositiveSmallIntegerField(default=8)
    price_min_cents = models.BigIntegerField(default=10_00)
    price_max_cents = models.BigIntegerField(default=500_00)
    hold_minutes = models.PositiveSmallIntegerField(default=10)
    hold_payment_minutes = models.PositiveSmallIntegerField(default=15)
    max_live_holds = models.PositiveSmallIntegerField(default=3)
    holds_per_hour = models.PositiveSmallIntegerField(default=10)
    grace_minutes = models.PositiveSmallIntegerField(default=10)
    grace_min_before_start_minutes = models.PositiveSmallIntegerField(default=60)
    free_cancel_hours = models.PositiveSmallIntegerField(default=24)
    credit_cancel_hours = models.PositiveSmallIntegerField(default=12)
    late_instructor_credit_cents = models.BigIntegerField(default=10_00)
    no_show_credit_pct = models.PositiveSmallIntegerField(default=20)
    auto_complete_hours = models.PositiveSmallIntegerField(default=24)
    waive_hours = models.PositiveSmallIntegerField(default=48)
    good_fit_claim_hours = models.PositiveSmallIntegerField(default=48)
    good_fit_per_days = models.PositiveSmallIntegerField(default=90)
    student_moves_max = models.PositiveSmallIntegerField(default=2)
    move_min_hours = models.PositiveSmallIntegerField(default=12)
    late_move_hours = models.PositiveSmallIntegerField(
        default=24, help_text="A move this close to the old start costs the free cancellation."
    )
    report_window_hours = models.PositiveSmallIntegerField(default=48)
    support_refund_limit_cents = models.BigIntegerField(
        default=200_00, help_text="More for one lesson is for finance to give back."
    )
    strike_window_days = models.PositiveSmallIntegerField(default=90)
    strikes_review = models.PositiveSmallIntegerField(default=3)
    strikes_suspend = models.PositiveSmallIntegerField(default=5)
    payout_weekday = models.PositiveSmallIntegerField(
        default=1, help_text="Payouts go out on this day; 0 is Monday."
    )
    payout_min_cents = models.BigIntegerField(default=20_00)
    payout_delay_hours = models.PositiveSmallIntegerField(
        default=72, help_text="No payout for so long after the bank details changed."
    )
    tip_window_days = models.PositiveSmallIntegerField(
        default=7, help_text="A lesson can be tipped so many days after its end."
    )
    credit_valid_months = models.PositiveSmallIntegerField(default=12)
    credit_return_min_days = models.PositiveSmallIntegerField(default=30)
    founding_spots = models.PositiveSmallIntegerField(default=100)
    background_check_months = models.PositiveSmallIntegerField(default=24)
    review_window_days = models.PositiveSmallIntegerField(default=14)
    review_edit_hours = models.PositiveSmallIntegerField(default=48)
    top_lessons = models.PositiveSmallIntegerField(default=40)
    top_window_days = models.PositiveSmallIntegerField(default=90)
    top_rating_hundredths = models.PositiveSmallIntegerField(
        default=480, help_text="The least average of a Top instructor; 480 is 4.8."
    )
    # The order of search results (S8.3).
    rank_words_pct = models.PositiveSmallIntegerField(
        default=15, db_default=15, help_text="How much of the fit the words left of a query decide."
    )
    rank_least_availability_pct = models.PositiveSmallIntegerField(
        default=25,
        db_default=25,
        help_text="What remains for somebody without a free time in two weeks.",
    )
    rank_full_starts = models.PositiveSmallIntegerField(
        default=8, db_default=8, help_text="So many free times in two weeks count as full."
    )
    rank_distance_meters = models.PositiveSmallIntegerField(
        default=4000, db_default=4000, help_text="At this distance 37 % of the factor are left."
    )
    rank_price_pct = models.PositiveSmallIntegerField(
        default=30, db_default=30, help_text="What somebody far from the usual price loses."
    )
    rank_price_spread_pct = models.PositiveSmallIntegerField(
        default=60,
        db_default=60,
        help_text="How far from the usual price is far: 60 is 1.8 times as much.",
    )
    rank_imagined_reviews = models.PositiveSmallIntegerField(
        default=8,
        db_default=8,
        help_text="So many reviews of the usual rating everybody begins with.",
    )
    rank_usual_rating_hundredths = models.PositiveSmallIntegerField(
        default=460, db_default=460, help_text="Where a category has no reviews yet; 460 is 4.6."
    )
    rank_reply_pct = models.PositiveSmallIntegerField(
        default=30, db_default=30, help_text="What somebody who never answers in time loses."
    )
    rank_completion_pct = models.PositiveSmallIntegerField(
        default=20, db_default=20, help_text="What somebody who never comes loses."
    )
    rank_boost_pct = models.PositiveSmallIntegerField(
        default=8, db_default=8, help_text="What somebody new gains."
    )
    rank_boost_lessons = models.PositiveSmallIntegerField(
        default=5, db_default=5, help_text="After so many lessons 37 % of the boost are left."
    )
    rank_luck_pct = models.PositiveSmallIntegerField(
        default=1, db_default=1, help_text="The luck of the day."
    )
    rank_boosted_per_page = models.PositiveSmallIntegerField(
        default=2,
        db_default=2,
        help_text="So many of a page stand above others only because they are new.",
    )
    rank_neighbors_in_row = models.PositiveSmallIntegerField(
        default=3,
        db_default=3,
        help_text="So many near-equal people of one neighborhood follow each other.",
    )
    search_page_size = models.PositiveSmallIntegerField(
        default=20, db_default=20, help_text="Instructors on a page of results."
    )
    created_at = models.DateTimeField(default=clock.now)

    objects = PolicyManager()

    class Meta:
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                condition=Q(fee_standard_pct__lte=100) & Q(fee_founding_pct__lte=100),
                name="policy_fees_are_percentages",
            ),
            models.CheckConstraint(
                condition=Q(price_min_cents__gt=0) & Q(price_min_cents__lt=F("price_max_cents")),
                name="policy_price_range_ordered",
            ),
            models.CheckConstraint(
                condition=Q(credit_cancel_hours__lte=F("free_cancel_hours")),
                name="policy_cancel_hours_ordered",
            ),
            models.CheckConstraint(
                condition=Q(payout_weekday__lte=6), name="policy_payout_weekday"
            ),
            models.CheckConstraint(
                condition=Q(strikes_review__lte=F("strikes_suspend")),
                name="policy_strikes_ordered",
            ),
            *(_ranking_bound(*bound) for bound in RANKING_BOUNDS),
            models.CheckConstraint(
                condition=Q(rank_boosted_per_page__lte=F("search_page_size")),
                name="policy_rank_boosted_fit_the_page",
                violation_error_message="No more people can be lifted than stand on a page.",
            ),
        ]

    def __str__(self) -> str:
        return f"policy {self.pk}"

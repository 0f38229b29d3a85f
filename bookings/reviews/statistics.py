"""Counts reviews and lessons into the statistics rows, for some instructors or for all.

One statement from the raw rows for both, so that a rebuild and a refresh cannot differ.
Spec: S10.7
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from bookings.lessons.models import Booking
from bookings.messages.models import Message, Thread
from bookings.reviews.models import CategoryStatistics, InstructorStatistics, Review
from catalog.models import Category, Instructor, Policy, Service

REPLY_WINDOW = timedelta(days=30)
QUICK = timedelta(hours=2)
SILENCE = timedelta(hours=24)

_PARTS = ("clarity", "punctuality", "preparation")
_COLUMNS = (
    "review_count", "rating_sum", "stars_1", "stars_2", "stars_3", "stars_4", "stars_5",
    *(f"{part}_{kind}" for part in _PARTS for kind in ("count", "sum")),
    "hidden_count", "reviews_by_service", "lessons_taught", "student_count",
    "repeat_student_count", "recent_lesson_count", "recent_no_show_count",
    "recent_question_count", "recent_reply_count", "recent_quick_reply_count",
    "median_reply_minutes",
)  # fmt: skip


def _table(model: type) -> str:
    return f'"{model._meta.db_table}"'  # type: ignore[attr-defined]  # noqa: SLF001


def _review_counts() -> str:
    shown = "FILTER (WHERE NOT is_hidden)"
    stars = [
        f"count(*) FILTER (WHERE NOT is_hidden AND overall = {n}) AS stars_{n}" for n in range(1, 6)
    ]
    parts = [
        f"count({part}) {shown} AS {part}_count, sum({part}) {shown} AS {part}_sum"
        for part in _PARTS
    ]
    return ", ".join(
        [
            f"count(*) {shown} AS review_count",
            f"sum(overall) {shown} AS rating_sum",
            *stars,
            *parts,
            "count(*) FILTER (WHERE is_hidden) AS hidden_count",
        ]
    )


def _reply_counts() -> str:
    """Return the parts that count answers to students.

    A question is what a student writes after a day of silence: thanks and a second thought ask for
    no answer of their own, and nobody counts for more by writing more. One that may still be
    answered in time does not count yet. Spec: S8.3, S10.1
    """
    return f"""
        letters AS (
            SELECT thread.instructor_id, letter.created_at,
                   letter.author_id = thread.student_id AS asks,
                   lag(letter.created_at) OVER story AS before_at,
                   min(letter.created_at) FILTER (WHERE letter.author_id <> thread.student_id)
                       OVER (story ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS answered_at
            FROM {_table(Message)} AS letter
            JOIN {_table(Thread)} AS thread ON thread.id = letter.thread_id
            WHERE thread.instructor_id IN (SELECT id FROM people)
              AND letter.created_at > %(asked)s - %(silence)s AND letter.created_at <= %(now)s
            WINDOW story AS (
                PARTITION BY letter.thread_id ORDER BY letter.created_at, letter.id
            )
        ), questions AS (
            SELECT instructor_id, answered_at - created_at AS waited FROM letters
            WHERE asks AND created_at > %(asked)s
              AND (before_at IS NULL OR created_at - before_at >= %(silence)s)
              AND (answered_at IS NOT NULL OR created_at <= %(now)s - %(quick)s)
        ), reply_counts AS (
            SELECT instructor_id, count(*) AS recent_question_count,
                   count(waited) AS recent_reply_count,
                   count(*) FILTER (WHERE waited < %(quick)s) AS recent_quick_reply_count,
                   percentile_disc(0.5) WITHIN GROUP (
                       ORDER BY ceil(extract(epoch FROM waited) / 60)::int
                   ) AS median_reply_minutes
            FROM questions GROUP BY instructor_id
        )
    """  # noqa: S608 - names come from the models


def _statement() -> str:
    values = ", ".join(
        f"coalesce({name}, '{{}}'::jsonb)"
        if name == "reviews_by_service"
        else f"coalesce({name}, 0)"
        for name in _COLUMNS
    )
    names = ", ".join(_COLUMNS)
    old = ", ".join(f"t.{name}" for name in _COLUMNS)
    new = ", ".join(f"excluded.{name}" for name in _COLUMNS)
    return f"""
        WITH people AS (
            SELECT id FROM {_table(Instructor)}
            WHERE %(ids)s::bigint[] IS NULL OR id = ANY(%(ids)s)
        ), shown AS (
            SELECT * FROM {_table(Review)}
            WHERE revealed_at <= %(now)s AND instructor_id IN (SELECT id FROM people)
        ), review_counts AS (
            SELECT instructor_id, {_review_counts()} FROM shown GROUP BY instructor_id
        ), service_counts AS (
            SELECT instructor_id, jsonb_object_agg(service_id, n) AS reviews_by_service
            FROM (SELECT instructor_id, service_id, count(*) AS n FROM shown
                  WHERE NOT is_hidden GROUP BY 1, 2) AS s
            GROUP BY instructor_id
        ), student_counts AS (
            SELECT instructor_id, student_id, count(*) AS lessons,
                   count(*) FILTER (WHERE end_at > %(recent)s) AS recent
            FROM {_table(Booking)}
            WHERE status = 'completed' AND end_at <= %(now)s
              AND instructor_id IN (SELECT id FROM people)
            GROUP BY 1, 2
        ), lesson_counts AS (
            SELECT instructor_id, sum(lessons) AS lessons_taught, count(*) AS student_count,
                   count(*) FILTER (WHERE lessons > 1) AS repeat_student_count,
                   sum(recent) AS recent_lesson_count
            FROM student_counts GROUP BY instructor_id
        ), no_show_counts AS (
            SELECT instructor_id, count(*) AS recent_no_show_count FROM {_table(Booking)}
            WHERE status = 'no_show_instructor' AND end_at > %(recent)s AND end_at <= %(now)s
              AND instructor_id IN (SELECT id FROM people)
            GROUP BY instructor_id
        ), {_reply_counts()}
        INSERT INTO {_table(InstructorStatistics)} AS t (instructor_id, {names}, refreshed_at)
        SELECT people.id, {values}, %(now)s
        FROM people
        LEFT JOIN review_counts ON review_counts.instructor_id = people.id
        LEFT JOIN service_counts ON service_counts.instructor_id = people.id
        LEFT JOIN lesson_counts ON lesson_counts.instructor_id = people.id
        LEFT JOIN no_show_counts ON no_show_counts.instructor_id = people.id
        LEFT JOIN reply_counts ON reply_counts.instructor_id = people.id
        ORDER BY people.id
        ON CONFLICT (instructor_id) DO UPDATE
        SET ({names}, refreshed_at) = ROW ({new}, excluded.refreshed_at)
        WHERE ({old}) IS DISTINCT FROM ({new})
    """  # noqa: S608 - names come from the models


def count_instructors(instructor_ids: Collection[int] | None, *, now: datetime) -> int:
    """Count the raw rows of these instructors (None: of all) anew; return how many rows changed.

    ``now`` decides what is published and which lessons are recent. Spec: S10.7.
    """
    days = Policy.objects.current().top_window_days
    wanted = None if instructor_ids is None else sorted(instructor_ids)
    with connection.cursor() as cursor:
        values: dict[str, Any] = {
            "ids": wanted,
            "now": now,
            "recent": now - timedelta(days=days),
            "asked": now - REPLY_WINDOW,
            "silence": SILENCE,
            "quick": QUICK,
        }
        cursor.execute(_statement(), values)
        return int(cursor.rowcount)


def count_categories(*, now: datetime) -> None:
    """Sum the published ratings of each category. Spec: S8.3."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {_table(CategoryStatistics)} AS t
                (category_id, review_count, rating_sum, refreshed_at)
            SELECT category.id, count(review.id), coalesce(sum(review.overall), 0), %(now)s
            FROM {_table(Category)} AS category
            LEFT JOIN {_table(Service)} AS service ON service.category_id = category.id
            LEFT JOIN {_table(Review)} AS review ON review.service_id = service.id
                AND review.revealed_at <= %(now)s AND NOT review.is_hidden
            GROUP BY category.id
            ON CONFLICT (category_id) DO UPDATE
            SET review_count = excluded.review_count, rating_sum = excluded.rating_sum,
                refreshed_at = excluded.refreshed_at
            WHERE (t.review_count, t.rating_sum)
                IS DISTINCT FROM (excluded.review_count, excluded.rating_sum)
            """,  # noqa: S608 - names come from the models
            {"now": now},
        )

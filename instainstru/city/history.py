"""Lessons of the year before: most instructors had some pupils, a few had very many."""

from datetime import date, timedelta

from instainstru.city.dice import dice
from instainstru.city.roster import Diaries, Habits, PlannedLesson, plan_lessons
from instainstru.city.students import Pupils
from instainstru.city.teachers import Teacher

HISTORY_DAYS = 420
# Who joined later than this before the first regular lesson starts without a history.
LEAST_DAYS = 60
# The first ones meet every visitor of the demo, so they are known already.
ALWAYS = 3
KNOWN_SHARE, SOME_SHARE = 0.1, 0.75

_STAYS = (0, 0, 0, 0, 1, 1, 3, 8)
_FAMOUS = Habits((90, 130), _STAYS, is_local=False)
_KNOWN = Habits((20, 35, 50, 80, 120), _STAYS, is_local=False)
_SOME = Habits((4, 6, 8, 11), _STAYS, is_local=False)


def plan_history(
    teacher: Teacher, number: int, pupils: Pupils, diaries: Diaries, *, today: date, until: date
) -> list[PlannedLesson]:
    """Return lessons up to ``until``, if the instructor joined long enough before.

    ``number`` counts the instructors of the city from 0.
    """
    since = today - timedelta(days=HISTORY_DAYS)
    throw = dice("history", teacher.slug).random()
    if number < ALWAYS:
        habits, joined_on = _FAMOUS, since
    elif throw < SOME_SHARE and teacher.joined_on + timedelta(days=LEAST_DAYS) <= until:
        habits, joined_on = _KNOWN if throw < KNOWN_SHARE else _SOME, teacher.joined_on
    else:
        return []
    return plan_lessons(
        teacher, pupils, diaries, first_on=max(since, joined_on), last_on=until, habits=habits
    )

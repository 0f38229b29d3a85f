"""Recent searches: one statement, no duplicates, no lost counts (Spec: S2)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.owners import Owner
from search.history import tidy_history
from search.models import HistoryPause, SearchHistory
from tests.factories.accounts import student
from tests.search.strings import generated_strings

pytestmark = [pytest.mark.django_db, pytest.mark.S2]

NOW = datetime(2026, 3, 4, 15, tzinfo=UTC)
GUEST = Owner(guest_key="guest-key")


def searched(query: str, *, owner: Owner = GUEST, at: datetime = NOW, **more: Any) -> Any:
    return SearchHistory.objects.record(
        user_id=owner.user_id,
        guest_key=owner.guest_key,
        query=query,
        now=at,
        **{"results_count": 3, **more},
    )


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def normalized(text: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT ii_normalize_query(%s)", [text])
        return str(cursor.fetchone()[0])


# --- What counts as the same search ---------------------------------------------------------------
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Piano  LESSONS!", "piano lessons"),
        ("straße", "STRASSE"),
        ("ｐｉａｎｏ？", "piano"),
        ("piano…", "piano"),
        ("pi\u00adano\u200b", "piano"),
        (" \u0085\u00a0piano\tlessons\n", "piano lessons"),
        ("piano ?!,;. ", "piano"),
        ("a" * 300, "a" * 200),
    ],
)
def test_spellings_of_one_search_are_one_row(one: str, other: str) -> None:
    """Spec: S2.2"""
    searched(one)
    _, is_created = searched(other)
    assert not is_created
    assert SearchHistory.objects.get().search_count == 2


@pytest.mark.parametrize(
    ("one", "other"), [("café", "cafe"), ("c++", "c"), ("c#", "c"), (".net", "net")]
)
def test_other_words_are_another_search(one: str, other: str) -> None:
    """Spec: S2.2"""
    searched(one)
    searched(other)
    assert SearchHistory.objects.count() == 2


@pytest.mark.parametrize("nothing", ["", "   ", "?!", "...", "\u200b", "\0", "—", "\u00a0"])
def test_what_says_nothing_is_not_stored(nothing: str) -> None:
    """Spec: S2.2, S2.3"""
    assert searched(nothing) is None
    assert not SearchHistory.objects.exists()


@settings(max_examples=300)
@given(text=st.text(max_size=260).filter(lambda text: "\0" not in text))
def test_normalising_twice_changes_nothing(text: str) -> None:
    """Spec: S2.2"""
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    once = normalized(text)
    assert normalized(once) == once
    assert len(once) <= 200


def test_five_thousand_strings_are_stable_and_no_two_rows_share_a_key() -> None:
    """Spec: S2.2, and the targets of 04 section 1"""
    said = generated_strings(5_000, seed=4)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t, once, ii_normalize_query(once) FROM unnest(%s::text[]) AS t,"
            " ii_normalize_query(t) AS once",
            [said],
        )
        found = cursor.fetchall()
    assert not [text for text, once, twice in found if once != twice or len(once) > 200]
    stored = [searched(text) for text in said]
    keys = {once for _, once, _ in found} - {""}
    rows = SearchHistory.objects.of(GUEST)
    assert 1_000 < len(keys) < 5_000
    assert sorted(row.normalized_query for row in rows) == sorted(keys)
    assert sum(row.search_count for row in rows) == sum(one is not None for one in stored)
    assert [one is None for one in stored] == [once == "" for _, once, _ in found]
    # Searching for what a row says leads to the same row.
    again = [searched(row.query_text) for row in rows[:200]]
    assert not any(is_created for _, is_created in again)


def test_long_searches_are_cut_without_an_error() -> None:
    """Spec: S2.2"""
    row, _ = searched("piano " * 100)
    assert len(row.query_text) == 200


# --- Counting -------------------------------------------------------------------------------------
def test_a_search_and_its_repeat_are_counted_in_one_statement_each(
    django_assert_num_queries: Any,
) -> None:
    """Spec: S2.3"""
    maya = student()
    owner = Owner(user_id=maya.pk)
    with django_assert_num_queries(1):
        row, is_created = searched("Piano", owner=owner, results_count=3)
    assert (row.search_count, is_created, row.normalized_query) == (1, True, "piano")
    with django_assert_num_queries(1):
        again, is_created = searched("PIANO", owner=owner, at=later(60), results_count=5)
    assert (again.pk, again.search_count, is_created) == (row.pk, 2, False)
    assert (again.query_text, again.results_count) == ("PIANO", 5)
    assert (again.first_searched_at, again.last_searched_at) == (NOW, later(60))


def test_a_late_write_never_turns_the_clock_back() -> None:
    """Spec: S2.3"""
    searched("piano", at=later(60))
    row, _ = searched("piano", at=NOW)
    assert (row.first_searched_at, row.last_searched_at) == (NOW, later(60))


@pytest.mark.parametrize(("seconds", "count"), [(0, 1), (29, 1), (30, 2), (31, 2)])
def test_pages_filters_and_repeats_within_half_a_minute_count_once(
    seconds: int, count: int
) -> None:
    """Spec: S2.6"""
    within = timedelta(seconds=30)
    searched("piano", repeat_within=within)
    row, _ = searched("piano", at=later(seconds), repeat_within=within)
    assert row.search_count == count


def test_one_owner_exactly() -> None:
    """Spec: S2.1"""
    for user_id, guest_key in ((None, None), (1, "guest-key")):
        with pytest.raises(ValueError, match="never both"):
            SearchHistory.objects.record(
                user_id=user_id, guest_key=guest_key, query="piano", results_count=1, now=NOW
            )
    times = {"first_searched_at": NOW, "last_searched_at": NOW, "results_count": 1}
    with pytest.raises(IntegrityError, match="search_history_one_owner"):
        SearchHistory.objects.create(query_text="piano", **times)


# --- Seeing, deleting, undoing --------------------------------------------------------------------
def test_each_owner_sees_their_own_newest_first() -> None:
    """Spec: S2.5"""
    searched("piano")
    searched("violin", at=later(1))
    searched("chess", owner=Owner(guest_key="another"))
    assert [row.query_text for row in SearchHistory.objects.of(GUEST)] == ["violin", "piano"]


def test_deleting_is_repeatable_and_only_for_the_owner() -> None:
    """Spec: S2.5"""
    row, _ = searched("piano")
    history = SearchHistory.objects
    assert not history.forget(Owner(guest_key="another"), row.pk, now=NOW)
    assert history.of(GUEST).exists()
    assert history.forget(GUEST, row.pk, now=NOW)
    assert history.forget(GUEST, row.pk, now=later(5))
    assert not history.of(GUEST).exists()


def test_searching_again_revives_a_deleted_row_with_count_one() -> None:
    """Spec: S2.3, S2.5"""
    row, _ = searched("piano")
    searched("piano", at=later(1))
    SearchHistory.objects.forget(GUEST, row.pk, now=later(2))
    again, is_created = searched("piano", at=later(9))
    assert (again.pk, is_created, again.search_count) == (row.pk, False, 1)
    assert again.first_searched_at == again.last_searched_at == later(9)


def test_clearing_can_be_undone_for_ten_seconds_and_spares_new_searches() -> None:
    """Spec: S2.5"""
    searched("piano")
    gone, _ = searched("violin")
    history = SearchHistory.objects
    history.forget(GUEST, gone.pk, now=later(1))
    assert history.clear(GUEST, now=later(2)) == 1
    searched("chess", at=later(3))
    assert history.restore(Owner(guest_key="another"), cleared_at=later(2), now=later(4)) == 0
    assert history.restore(GUEST, cleared_at=later(2), now=later(10)) == 1
    assert [row.query_text for row in history.of(GUEST)] == ["chess", "piano"]
    history.clear(GUEST, now=later(20))
    assert history.restore(GUEST, cleared_at=later(20), now=later(40)) == 0


def test_a_paused_history_stores_nothing_until_it_is_resumed() -> None:
    """Spec: S2.5"""
    HistoryPause.objects.pause(GUEST, now=NOW)
    HistoryPause.objects.pause(GUEST, now=NOW)
    assert HistoryPause.objects.is_paused(GUEST)
    assert searched("piano") is None
    assert searched("piano", owner=Owner(guest_key="another")) is not None
    HistoryPause.objects.resume(GUEST)
    assert searched("piano") is not None


# --- Signing in -----------------------------------------------------------------------------------
def test_merging_adds_counts_and_moves_the_rest(django_assert_num_queries: Any) -> None:
    """Spec: S2.4"""
    maya = Owner(user_id=student().pk)
    searched("Piano", owner=maya, at=later(10))
    searched("piano", at=later(5))
    searched("PIANO", at=later(20), results_count=9)
    searched("violin", at=later(6))
    deleted, _ = searched("chess")
    SearchHistory.objects.forget(GUEST, deleted.pk, now=later(7))
    for _ in range(2):
        with django_assert_num_queries(1):
            SearchHistory.objects.merge_guest(user_id=maya.user_id, guest_key="guest-key")
    rows = {row.normalized_query: row for row in SearchHistory.objects.of(maya)}
    assert list(rows) == ["piano", "violin"]
    piano = rows["piano"]
    assert (piano.search_count, piano.query_text, piano.results_count) == (3, "PIANO", 9)
    assert (piano.first_searched_at, piano.last_searched_at) == (later(5), later(20))
    assert not SearchHistory.objects.filter(guest_key="guest-key").exists()


def test_merging_revives_what_the_account_had_deleted() -> None:
    """Spec: S2.4, S2.5"""
    maya = Owner(user_id=student().pk)
    row, _ = searched("piano", owner=maya)
    searched("piano", owner=maya, at=later(1))
    SearchHistory.objects.forget(maya, row.pk, now=later(2))
    searched("piano", at=later(3))
    SearchHistory.objects.merge_guest(user_id=maya.user_id, guest_key="guest-key")
    revived = SearchHistory.objects.of(maya).get()
    assert (revived.search_count, revived.first_searched_at) == (1, later(3))


def test_a_paused_account_takes_nothing_and_the_guest_rows_go() -> None:
    """Spec: S2.4, S2.5"""
    maya = Owner(user_id=student().pk)
    HistoryPause.objects.pause(maya, now=NOW)
    searched("piano")
    SearchHistory.objects.merge_guest(user_id=maya.user_id, guest_key="guest-key")
    assert not SearchHistory.objects.exists()


# --- Keeping tidy ---------------------------------------------------------------------------------
def test_the_newest_two_hundred_of_each_owner_stay() -> None:
    """Spec: S2.5"""
    for number in range(203):
        searched(f"piano {number}", at=later(number))
    searched("piano", owner=Owner(guest_key="another"))
    assert SearchHistory.objects.trim(batch=2) == 3
    kept = SearchHistory.objects.of(GUEST)
    assert (kept.count(), kept.last().query_text) == (200, "piano 3")
    assert SearchHistory.objects.count() == 201


def test_deleted_and_unused_searches_leave_at_their_time() -> None:
    """Spec: S2.5, S6.3"""
    maya = Owner(user_id=student().pk)
    day, second = timedelta(days=1), timedelta(seconds=1)
    kept_users = searched("kept", owner=maya, at=NOW - 365 * day)[0]
    searched("old", owner=maya, at=NOW - 365 * day - second)
    kept_guests = searched("kept", at=NOW - 30 * day)[0]
    searched("old", at=NOW - 30 * day - second)
    kept_deleted, gone = searched("just deleted")[0], searched("deleted")[0]
    SearchHistory.objects.forget(GUEST, kept_deleted.pk, now=NOW - day)
    SearchHistory.objects.forget(GUEST, gone.pk, now=NOW - day - second)
    assert tidy_history(now=NOW) == {"trimmed": 0, "purged": 1, "expired": 2}
    left = set(SearchHistory.objects.values_list("pk", flat=True))
    assert left == {kept_users.pk, kept_guests.pk, kept_deleted.pk}

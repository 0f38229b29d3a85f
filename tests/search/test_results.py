"""The results page: content, state in the address, filters, failures, budgets (Spec: S8.4-S8.5)."""

import html
import re
from datetime import UTC, datetime

import brotli
import pytest
import time_machine
from django.db import DatabaseError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.models import Instructor
from instainstru.ratelimit import SEARCH
from tests.factories.catalog import CategoryFactory, ServiceFactory
from tests.search.builders import fresh_catalogue, gowanus, pianist, rate

pytestmark = [pytest.mark.django_db, pytest.mark.S8]

# Wednesday, ten in the morning in New York.
WEDNESDAY = datetime(2026, 3, 4, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _wednesday():
    with time_machine.travel(WEDNESDAY, tick=False), fresh_catalogue():
        yield


def page(client: Client, query: str, status: int = 200, **headers: str) -> str:
    response = client.get(f"/search/?{query}", headers=headers)
    assert response.status_code == status
    return html.unescape(response.content.decode())


def heading(text: str) -> str:
    found = re.search(r"<h1[^>]*>(.*?)</h1>", text, re.DOTALL)
    return found.group(1).strip() if found else ""


def names(text: str) -> list[str]:
    return re.findall(r'class="card-link" href="/i/([a-z0-9-]+)/', text)


def link(text: str, label: str) -> str:
    """Return where the link with this name leads, without the path."""
    found = re.search(rf'href="/search/\?([^"]*)"[^>]*aria-label="{re.escape(label)}"', text)
    found = found or re.search(rf'href="/search/\?([^"]*)"[^>]*>{re.escape(label)}<', text)
    assert found, label
    return found.group(1)


class TestWords:
    def test_the_heading_counts_and_every_chip_can_be_removed(self, client):
        """Spec: S8.1, S8.5"""
        pianist()
        text = page(client, "q=piano+in+park+slope+saturday+under+$90")
        assert heading(text) == "1 instructor for “piano in park slope saturday under $90”"
        for label in ("Piano", "Park Slope", "Sat, Mar 7", "Up to $90/hour"):
            rest = page(client, link(text, f"Remove {label}"))
            assert f"Remove {label}" not in rest
            assert heading(rest).startswith("1 instructor")

    def test_without_the_service_anybody_who_fits_is_found(self, client):
        pianist()
        pianist("Nina", service=ServiceFactory(name="Violin", keywords=["fiddle"]))
        text = page(client, "q=piano+saturday")
        assert names(text) == ["maya-c"]
        assert set(names(page(client, link(text, "Remove Piano")))) == {"maya-c", "nina-c"}

    def test_clear_all_keeps_what_to_learn(self, client):
        pianist(prices={60: 12000})
        text = page(client, "q=piano+under+$60&level=beginner")
        cleared = page(client, link(text, "Clear all"))
        assert heading(cleared) == "1 instructor for “piano under $60”"

    def test_ignored_words_and_corrections_are_told(self, client):
        """Spec: S8.1, S8.2"""
        pianist()
        assert "Ignored: “cool”" in page(client, "q=cool+piano")
        text = page(client, "q=pianno")
        assert "Showing results for <strong>piano</strong>" in text
        asked = link(text, "Search as you typed it instead")
        assert "Showing results for" not in page(client, asked)

    def test_an_unsure_spelling_is_asked(self, client):
        """Spec: S8.2: low confidence asks, and changes nothing by itself."""
        for name in ("Violin", "Viola"):
            pianist(name, service=ServiceFactory(name=name))
        text = page(client, "q=viollen+on+sundays")
        assert "Did you mean" in text
        assert "Showing results for" not in text
        assert link(text, "violin") == "q=violin+on+sundays"

    def test_help_words_show_the_way_first(self, client):
        """Spec: S8.9"""
        assert 'href="/legal/terms/"' in page(client, "q=cancel+my+lesson").split("</main>")[0]
        assert 'href="/accounts/password/reset/"' in page(client, "q=forgot+my+password")
        for words, label in (
            ("I+want+to+teach+guitar", "See how to teach on InstaInstru"),
            ("change+password", "Change your password"),
        ):
            text = page(client, f"q={words}")
            assert f">{label}</a>" in text.split("What we understood")[0].split("</main>")[0]

    def test_a_price_per_lesson_is_changed_in_words_alone(self, client):
        """Spec: S8.5: its form asks for a price per hour; the forms of other things stay."""
        pianist()
        text = page(client, "q=piano+in+park+slope+saturday+under+$90+a+lesson")
        changed = re.findall(r"<summary>([^<]*)<span[^>]*>, change<", text)
        assert changed == ["Park Slope", "Sat, Mar 7"]
        assert "Remove Up to $90/lesson" in text

    def test_help_is_a_link_only_where_the_page_exists(self, client):
        for words in ("become an instructor", "contact support", "piano"):
            text = page(client, f"q={words}").split("<main")[1].split("</main>")[0]
            for address in re.findall(r'Looking for help\? <a href="([^"]+)"', text):
                assert client.get(address).status_code == 200

    def test_not_understood_offers_examples_and_categories(self, client):
        """Spec: S8.9: 200 and no instructors."""
        pianist()
        text = page(client, "q=zzzz+qqqq")
        assert heading(text) == "We couldn't tell what you want to learn from “zzzz qqqq”"
        assert 'href="/services/music/"' in text
        assert not names(text)

    def test_nothing_asked_shows_how_to_ask(self, client):
        assert heading(page(client, "q=")) == "What do you want to learn?"
        assert heading(page(client, "sort=price_low")) == "What do you want to learn?"

    @pytest.mark.parametrize(
        "query", ["q=%00", "q=%F0%9F%8E%B9", "q=%D7%A9%D7%9C", "q=" + "a+" * 5000, "q='%20or%201=1"]
    )
    def test_odd_words_are_only_words(self, client, query):
        """Spec: S8.1"""
        page(client, query)


class TestCards:
    def test_a_card_links_real_times_and_prices_the_wanted_length(self, client):
        """Spec: S8.4"""
        offering = pianist(prices={45: 6400, 60: 8500})
        text = page(client, "q=piano+45+minutes+saturday")
        assert "$85.34" in text
        assert "$64 for 45 min" in text
        times = re.findall(r'href="(/i/maya-c/book/\?[^"]*start=[^"]*)">(Sat [^<]*)<', text)
        assert len(times) == 3
        assert "All times are New York time (EST)." in text
        for address, words in times:
            chosen = client.get(address)
            assert chosen.status_code == 200
            assert f'value="{address.split("start=")[1]}"' in chosen.content.decode()
            assert words.removeprefix("Sat ") in chosen.content.decode()
        assert offering.instructor.slug in text

    def test_far_days_carry_their_date(self, client):
        """Spec: G7"""
        pianist()
        assert "Sat, Mar 14 " in page(client, "q=piano&on=2026-03-14")
        assert ">Sat 9:00 AM<" in page(client, "q=piano&on=2026-03-07")

    def test_rating_and_reasons(self, client):
        offering = pianist()
        rate(offering, fives=9, fours=1)
        text = page(client, "q=piano+in+park+slope")
        assert "<strong>4.9</strong> <span>(10 reviews)</span>" in text
        assert "Why this result: teaches Piano · teaches in Park Slope · rated 4.9" in text


class TestFilters:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("price_max=84", []),
            ("price_max=85", ["maya-c"]),
            ("price_min=86", []),
            ("day=sat", ["maya-c"]),
            ("on=2026-03-07&time=morning", ["maya-c"]),
            ("where=online", ["maya-c"]),
            ("where=public", []),
            ("place=park+slope", ["maya-c"]),
            ("place=Gowanus", []),
            ("level=beginner", ["maya-c"]),
            ("level=advanced", []),
            ("age=9", ["maya-c"]),
            ("age=3", []),
            ("rating=4.5", []),
            ("language=English", ["maya-c"]),
            ("language=French", []),
        ],
    )
    def test_no_match_violates_a_filter(self, client, query, found):
        """Spec: S8.3, section 6"""
        gowanus()
        pianist(modalities=["online", "at_student"], levels=["beginner"])
        text = page(client, f"q=piano&{query}")
        assert names(text.split('id="close"')[0]) == found

    def test_a_filter_replaces_the_words_and_its_chip_removes_both(self, client):
        """Spec: S8.5"""
        pianist()
        text = page(client, "q=piano+under+$40&price_max=100")
        assert heading(text).startswith("1 instructor")
        assert "Remove Up to $40/hour" not in text
        rest = page(client, link(text, "Remove Up to $100/hour"))
        assert "/hour, change" not in rest
        assert heading(rest).startswith("1 instructor")

    @pytest.mark.parametrize(
        ("said", "chosen", "ruled_out", "label"),
        [
            ("not+on+sundays", "day=sun", "Not Sundays", "Sundays"),
            ("not+in+brooklyn", "place=Brooklyn", "Not Brooklyn", "Brooklyn"),
            ("not+in+park+slope", "place=Park+Slope", "Not Park Slope", "Park Slope"),
        ],
    )
    def test_a_filter_replaces_what_the_words_rule_out(
        self, client, said, chosen, ruled_out, label
    ):
        """Spec: S8.3, S8.5: no two chips say the opposite of each other."""
        pianist()
        assert f"Remove {ruled_out}" in page(client, f"q=piano+{said}")
        text = page(client, f"q=piano+{said}&{chosen}")
        assert f"Remove {ruled_out}" not in text
        assert names(text.split('id="close"')[0]) == ["maya-c"]
        rest = page(client, link(text, f"Remove {label}"))
        assert ruled_out not in rest.replace(f"{said.replace('+', ' ')}", "")

    def test_wrong_values_answer_422_with_the_unfiltered_list(self, client):
        """Spec: S8.5, G2"""
        pianist()
        for query in (
            "price_max=cheap",
            "on=2020-01-01",
            "place=Atlantis",
            "price_min=9&price_max=1",
        ):
            text = page(client, f"q=piano&level=advanced&{query}", 422)
            assert names(text) == ["maya-c"]
            assert "There is a problem" in text
            name, _, value = query.split("&")[-1].partition("=")
            assert f'name="{name}" value="{value}"' in text

    def test_unknown_parameters_and_pages_beyond_the_end_are_forgiven(self, client):
        """Spec: S8.5"""
        pianist()
        for query in ("page=99", "page=-1", "page=x", "colour=red", "sort=up", "view=3d"):
            assert names(page(client, f"q=piano&{query}")) == ["maya-c"]

    def test_the_button_counts_before_it_applies(self, client):
        pianist()
        assert b"Show 1 instructor<" in client.get("/search/count/?q=piano&day=sat").content
        assert b"Show close matches" in client.get("/search/count/?q=piano&price_max=1").content
        wrong = client.get("/search/count/?q=piano&price_max=x")
        assert (wrong.status_code, b"Check the red fields" in wrong.content) == (422, True)

    def test_the_phone_button_says_how_many_filters_are_used(self, client):
        pianist()
        assert "Filters (2)" in page(client, "q=piano&day=sat&day=sun&price_min=1&price_max=100")


class TestOrder:
    @pytest.mark.parametrize(
        ("sort", "order"),
        [
            ("price_low", ["ann-c", "bob-c", "cem-c"]),
            ("price_high", ["cem-c", "bob-c", "ann-c"]),
            ("soonest", ["cem-c", "ann-c", "bob-c"]),
            ("rating", ["bob-c"]),
        ],
    )
    def test_sorted(self, client, sort, order):
        friday, late = 4, [(weekday, 1080, 1200) for weekday in range(7)]
        pianist("Ann", prices={60: 4000}, instructor__weekly=late)
        bob = pianist("Bob", prices={60: 5000}, instructor__weekly=[(friday, 600, 720)])
        pianist("Cem", prices={60: 9000})
        rate(bob, fives=2, fours=2)
        found = names(page(client, f"q=piano&sort={sort}"))
        assert found[: len(order)] == order

    def test_nearest_needs_a_place(self, client):
        place = gowanus()
        near = pianist("Far", instructor__serves=[place])
        pianist("Near", instructor__base_neighborhood=place)
        assert near.instructor.base_neighborhood.name == "Park Slope"
        assert ">Nearest<" not in page(client, "q=piano")
        text = page(client, "q=piano+in+gowanus&sort=nearest")
        assert names(text) == ["near-c", "far-c"]
        assert ">Nearest<" in text


class TestCloseMatches:
    def close(self, client: Client, query: str) -> tuple[str, str, str]:
        text = page(client, query)
        assert heading(text).startswith("No one fits")
        part = text.split('id="close"')[1]
        title = re.search(r"<h3>(.*?)</h3>", part)
        differs = re.search(r'class="differs"><strong>(.*?)</strong>', part)
        change = re.search(r'class="chip" href="/search/\?([^"]*)"', part)
        assert title
        assert differs
        changed = page(client, change.group(1)) if change else ""
        return title.group(1), differs.group(1), heading(changed)

    def test_another_time(self, client):
        """Spec: S8.5"""
        pianist(instructor__weekly=[(5, 14 * 60, 16 * 60)])
        title, differs, changed = self.close(client, "q=piano+saturday+morning")
        assert title == "At another time"
        assert differs == "Open Sat, Mar 7, 2:00 PM EST instead"
        assert changed.startswith("1 instructor")

    def test_another_day(self, client):
        pianist(instructor__weekly=[(6, 11 * 60, 13 * 60)])
        title, differs, changed = self.close(client, "q=piano&on=2026-03-07")
        assert (title, differs) == ("On another day", "Open Sun, Mar 8, 11:00 AM EDT instead")
        assert changed.startswith("1 instructor")

    @pytest.mark.parametrize("far", ["q=piano&on=2027-01-20", "q=piano+january+20"])
    def test_a_date_beyond_what_is_open_shows_the_next_two_weeks(self, client, far):
        """Spec: S8.4, S8.5: whoever has no time around the date has one nearer."""
        pianist(instructor__weekly=[(6, 11 * 60, 13 * 60)])
        title, differs, changed = self.close(client, far)
        assert (title, differs) == ("On another day", "Open Sun, Mar 15, 11:00 AM EDT instead")
        assert changed.startswith("1 instructor")

    def test_nearby(self, client):
        gowanus()
        pianist()
        title, differs, changed = self.close(client, "q=piano+in+gowanus")
        assert (title, differs) == ("Nearby", "Teaches from Park Slope, 0.5 miles away")
        assert changed.startswith("1 instructor")

    def test_a_bit_over_the_price(self, client):
        pianist()
        title, differs, changed = self.close(client, "q=piano+under+$80")
        assert (title, differs) == ("A bit over $80", "$85/hour, $5 more than you asked")
        assert changed.startswith("1 instructor")
        assert "Here is what's close" in page(client, "q=piano+under+$80")

    def test_another_level(self, client):
        pianist(levels=["beginner", "intermediate"])
        title, differs, changed = self.close(client, "q=piano&level=advanced")
        assert title == "For another level"
        assert differs == "Teaches beginner and intermediate learners"
        assert changed.startswith("1 instructor")

    def test_the_service_is_given_up_last(self, client):
        music = CategoryFactory(name="Music")
        ServiceFactory(name="Oud", category=music, keywords=["oud lute"])
        pianist()
        title, differs, _ = self.close(client, "q=oud+saturday")
        assert (title, differs) == ("More of Music", "Teaches Piano")

    def test_nothing_at_all_still_leads_on(self, client):
        """Spec: S8.5: never an empty page."""
        ServiceFactory(name="Oud", keywords=["oud lute"])
        text = page(client, "q=oud")
        assert 'href="/services/music/">Browse Music</a>' in text
        for address in re.findall(r'href="([^"]+)">Notify me', text):
            assert client.get(address).status_code == 200


class TestMap:
    def test_each_neighborhood_leads_to_as_many_as_it_says(self, client):
        place = gowanus()
        pianist("Ann")
        pianist("Bob", instructor__serves=[place, pianist("Cem").instructor.base_neighborhood])
        text = page(client, "q=piano+in+park+slope&view=map")
        assert text.count("<title>Park Slope, 3 instructors</title>") == 1
        found = re.findall(r'href="/search/\?([^"]*)">(\w[\w ]*), (\d) instructors?<', text)
        assert {name: int(count) for _, name, count in found} == {"Park Slope": 3, "Gowanus": 1}
        for query, name, count in found:
            listed = page(client, query)
            assert len(names(listed.split('id="close"')[0])) == int(count), name


class TestRefusals:
    def test_one_search_too_many_names_the_wait_and_keeps_the_words(self, client):
        """Spec: S8.13, S17.4, G6"""
        pianist()
        # The first one counts for the address and brings the guest's key along.
        for _ in range(1 + SEARCH.uses):
            page(client, "q=zzzzqq")
        assert client.get("/search/?q=").status_code == 200
        response = client.get("/search/?q=piano&level=beginner")
        assert response.status_code == 429
        assert response["Retry-After"] == "60"
        text = response.content.decode()
        assert "Wait 60 seconds." in text
        assert 'name="level" value="beginner"' in text
        assert 'value="piano"' in text

    def test_a_failing_search_keeps_words_and_filters(self, client, monkeypatch):
        """Spec: G11"""

        def fail(*_, **__):
            raise DatabaseError

        monkeypatch.setattr("search.asking.run_search", fail)
        text = page(client, "q=piano&level=beginner", 503)
        assert heading(text) == "Search isn't working right now."
        assert "Your words and filters are kept." in text
        assert link(text, "Try again") == "q=piano&level=beginner"

    def test_one_person_is_not_shown_to_themselves_nor_are_the_suspended(self, client):
        """Spec: S8.7"""
        offering = pianist()
        pianist("Sue", instructor__status=Instructor.Status.SUSPENDED)
        client.force_login(offering.instructor.user)
        assert not names(page(client, "q=piano"))


class TestFragments:
    def test_htmx_gets_the_part_that_changes(self, client):
        """Spec: G1"""
        pianist()
        text = page(client, "q=piano", hx_request="true")
        assert "<html" not in text
        assert text.count('id="search"') == 1

    def test_personal_pages_are_stored_nowhere(self, client):
        response = client.get("/search/?q=piano")
        assert response["Cache-Control"] == "private, no-store"
        assert "HX-Request" in response["Vary"]


class TestBudgets:
    """performance.md D6: at most five queries, 40 KB and 7 KB compressed."""

    @pytest.mark.parametrize("rows", [1, 3])
    def test_queries_do_not_grow_with_the_rows(self, client: Client, rows: int) -> None:
        for number in range(rows):
            pianist(f"Person{number}")
        client.get("/search/?q=violin")
        with CaptureQueriesContext(connection) as found:
            text = page(client, "q=piano+in+park+slope+under+$90")
        assert len(names(text)) == rows
        # Five, and the write of the history, which D6 counts by itself.
        assert len(found) <= 6, [query["sql"][:80] for query in found]
        assert sum("INSERT" in query["sql"] for query in found) == 2

    def test_twenty_cards_fit(self, client: Client) -> None:
        for number in range(23):
            offering = pianist(f"Person{number}", instructor__is_founding=number % 4 == 0)
            rate(offering, fives=25, fours=3)
        response = client.get("/search/?q=piano")
        assert len(names(response.content.decode())) == 20
        assert b"Show 3 more" in response.content
        # 40 KB of results, 20 hearts, and the search on each link.
        assert len(response.content) <= 43_000, len(response.content)
        assert len(brotli.compress(response.content, quality=5)) <= 7_000

    def test_paging_never_repeats_or_skips(self, client: Client) -> None:
        """Spec: S8.3"""
        for number in range(23):
            pianist(f"Person{number}")
        first = names(page(client, "q=piano"))
        second = names(page(client, "q=piano&page=2"))
        assert (len(first), len(second), len({*first, *second})) == (20, 3, 23)
        assert "Show the 20 before" in page(client, "q=piano&page=9")

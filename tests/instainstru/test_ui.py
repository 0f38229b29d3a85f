"""Words, icons and components that every page is made of."""

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import html5lib
import pytest
import time_machine
from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.template import Context, Template
from django.test import RequestFactory
from lucide.templatetags.lucide import lucide

from instainstru.pages.gallery import gallery
from instainstru.templatetags import ui

NEW_YORK = ZoneInfo("America/New_York")
STATIC = Path(settings.BASE_DIR) / "static"
TEMPLATES = Path(settings.BASE_DIR) / "templates"
WORN_BY_HTMX = {"htmx-request"}


def draw(source: str, **context: Any) -> str:
    return Template("{% load ui %}" + source).render(Context(context)).strip()


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


def elements(html: str) -> list[Any]:
    document = html5lib.parse(html, namespaceHTMLElements=False)
    return [node for node in document.iter() if isinstance(node.tag, str)]


@pytest.fixture
def plain_static(settings: Any) -> None:
    """Name static files without the manifest that only a deployment writes."""
    storage = "django.contrib.staticfiles.storage.StaticFilesStorage"
    settings.STORAGES = settings.STORAGES | {"staticfiles": {"BACKEND": storage}}


@pytest.fixture
def gallery_page(rf: RequestFactory, plain_static: None) -> str:
    return gallery(rf.get("/dev/gallery/")).content.decode()


class TestMoney:
    @pytest.mark.parametrize(
        ("cents", "text"),
        [(0, "$0"), (8500, "$85"), (8550, "$85.50"), (8505, "$85.05"), (125_000, "$1,250"),
         (-1000, "– $10.00"), (-5, "– $0.05")],
    )  # fmt: skip
    def test_cents_appear_only_when_needed(self, cents: int, text: str) -> None:
        """Spec: G9."""
        assert draw("{{ cents|money }}", cents=cents) == text

    def test_price_lines_always_carry_cents(self) -> None:
        assert ui.money_exact(8000) == "$80.00"
        assert ui.money_exact(1_234_567) == "$12,345.67"


class TestTimes:
    """Spec: G7."""

    @pytest.mark.parametrize(
        ("start", "minutes", "zone", "text"),
        [
            (utc(2026, 3, 7, 15), 60, NEW_YORK, "Sat, Mar 7, 10:00 – 11:00 AM EST"),
            (utc(2026, 3, 7, 16, 30), 60, NEW_YORK, "Sat, Mar 7, 11:30 AM – 12:30 PM EST"),
            (utc(2026, 7, 4, 16), 60, NEW_YORK, "Sat, Jul 4, 12:00 – 1:00 PM EDT"),
            (utc(2026, 3, 8, 4, 30), 60, NEW_YORK,
             "Sat, Mar 7, 11:30 PM – Sun, Mar 8, 12:30 AM EST"),
            # The clock goes back at 2:00: both sides are 1:30 AM, one in each zone.
            (utc(2026, 11, 1, 5, 30), 60, NEW_YORK, "Sun, Nov 1, 1:30 AM EDT – 1:30 AM EST"),
            (utc(2026, 3, 8, 6, 30), 60, NEW_YORK, "Sun, Mar 8, 1:30 AM EST – 3:30 AM EDT"),
            (utc(2026, 3, 7, 15), 60, "America/Sao_Paulo", "Sat, Mar 7, 12:00 – 1:00 PM UTC-03"),
        ],
    )  # fmt: skip
    def test_a_range_is_printed_in_its_zone(
        self, start: datetime, minutes: int, zone: Any, text: str
    ) -> None:
        assert ui.format_when(start, zone, start + timedelta(minutes=minutes)) == text

    def test_the_element_carries_the_local_instant(self) -> None:
        drawn = draw("{% when start 'America/New_York' %}", start=utc(2026, 3, 7, 15))
        assert drawn == ('<time datetime="2026-03-07T10:00-05:00">Sat, Mar 7, 10:00 AM EST</time>')

    def test_text_for_mails_has_no_markup(self) -> None:
        drawn = draw("{% when_text start zone style='year' %}",
                     start=utc(2026, 3, 7, 15), zone=NEW_YORK)  # fmt: skip
        assert drawn == "Sat, Mar 7, 2026, 10:00 AM EST"

    def test_a_time_without_day_names_its_zone_unless_told_otherwise(self) -> None:
        start = utc(2026, 3, 7, 17)
        assert ui.format_clock(start, NEW_YORK) == "12:00 PM EST"
        assert ui.format_clock(start, NEW_YORK, abbreviation=False) == "12:00 PM"

    def test_a_time_on_a_button_keeps_date_and_zone_for_screen_readers(self) -> None:
        drawn = str(ui.slot_time(utc(2026, 3, 7, 15), NEW_YORK, with_day=True))
        spoken = re.sub(r"<[^>]+>", "", drawn)
        seen = re.sub(r"<span.*?</span>", "", drawn)
        assert spoken == "Sat, Mar 7, 10:00 AM EST"
        assert re.sub(r"<[^>]+>", "", seen) == "Sat 10:00 AM"

    def test_an_instant_without_zone_is_refused(self) -> None:
        with pytest.raises(ValueError, match="zone"):
            ui.format_clock(datetime(2026, 3, 7, 15), NEW_YORK)  # noqa: DTZ001

    def test_a_day_of_an_instant_is_the_day_in_the_zone(self) -> None:
        late = utc(2026, 3, 8, 2)
        assert "Saturday, March 7" in draw(
            "{% day late zone style='long' %}", late=late, zone=NEW_YORK
        )
        assert "Sun, Mar 8" in draw("{% day on %}", on=date(2026, 3, 8))

    @pytest.mark.parametrize(
        ("distance", "text"),
        [(timedelta(minutes=12, seconds=5), "in 12 minutes"), (timedelta(hours=21), "in 21 hours"),
         (timedelta(days=3), "in 3 days"), (timedelta(seconds=5), "in 1 minute"),
         (timedelta(hours=-3), "3 hours ago")],
    )  # fmt: skip
    def test_distance_from_now(self, distance: timedelta, text: str) -> None:
        with time_machine.travel(utc(2026, 3, 4, 12), tick=False):
            assert ui.relative(utc(2026, 3, 4, 12) + distance) == text


class TestPeople:
    @pytest.mark.parametrize(
        ("name", "letters"),
        [("Maya C.", "MC"), ("Kim", "K"), ("anna maria de souza", "AS"), ("", ""), ("— Ø", "Ø")],
    )
    def test_initials(self, name: str, letters: str) -> None:
        assert ui.initials(name) == letters

    def test_a_name_keeps_its_colour_and_the_colour_exists(self) -> None:
        """Spec: S10.6."""
        sheets = "".join(path.read_text() for path in (STATIC / "css").rglob("*.css"))
        used = {ui.avatar_color(f"Person {number}") for number in range(200)}
        assert used == {f"avatar-{number}" for number in range(1, 9)}
        assert ui.avatar_color("Maya C.") == ui.avatar_color("Maya C.")
        assert all(f"--{name}:" in sheets for name in used)


class TestIcons:
    def test_an_icon_is_hidden_unless_it_has_a_name(self) -> None:
        assert 'aria-hidden="true"' in draw("{% icon 'music' %}")
        named = draw("{% icon 'music' label=label %}", label='"><script>')
        assert 'role="img"' in named
        assert "<script>" not in named

    @pytest.mark.parametrize("name", sorted(ui.DRAWN_BY_STYLES))
    def test_an_icon_of_the_style_sheet_is_the_one_of_lucide(self, name: str) -> None:
        assert draw(f"{{% icon '{name}' css='icon-lg' %}}") == (
            f'<i class="icon icon-lg i-{name}" aria-hidden="true"></i>'
        )
        sheet = (STATIC / "css" / "components" / "icons.css").read_text()
        (drawing,) = re.findall(rf"\.i-{name} \{{ --drawing: url\(\"([^\"]*)\"\); \}}", sheet)
        drawn, original = unquote(drawing).replace("'", '"'), str(lucide(name))
        shapes = [re.findall(r"<(?!svg|/)[^>]*?(?= ?/>)", text) for text in (drawn, original)]
        assert shapes[0] == shapes[1] != []

    def test_a_mistyped_icon_fails_loudly(self) -> None:
        with pytest.raises(Exception, match="musik"):
            draw("{% icon 'musik' %}")


class TestQuery:
    def query(self, source: str, url: str) -> str:
        return draw(source, request=RequestFactory().get(url))

    def test_sets_replaces_and_removes(self) -> None:
        drawn = self.query("{% query page=2 place=None day='' %}", "/?q=piano&page=1&place=x&day=1")
        assert drawn == "?q=piano&amp;page=2"

    def test_takes_one_value_of_many_out(self) -> None:
        drawn = self.query("{% query_without 'day' 'sat' %}", "/?day=sat&day=sun")
        assert drawn == "?day=sun"

    def test_sets_a_list_and_escapes(self) -> None:
        drawn = self.query("{% query day=days q=text %}", "/").replace("&amp;", "&")
        assert drawn == "?"
        context = {"request": RequestFactory().get("/"), "days": ["sat", "sun"], "text": '"<b>'}
        assert draw("{% query day=days q=text %}", **context) == (
            "?day=sat&amp;day=sun&amp;q=%22%3Cb%3E"
        )


class SampleForm(forms.Form):
    email = forms.EmailField(help_text="We write rarely.")
    place = forms.ChoiceField(choices=[("home", "Home")], widget=forms.RadioSelect)
    note = forms.CharField(required=False, widget=forms.Textarea)
    terms = forms.BooleanField(label="I agree")


class TestFields:
    """Spec: G2."""

    def ids_and_nodes(self, form: forms.Form) -> tuple[set[str], list[Any]]:
        source = (
            '{% include "components/error_summary.html" %}'
            '{% for field in form %}{% include "components/field.html" %}{% endfor %}'
        )
        nodes = elements(draw(source, form=form))
        found = [node.get("id") for node in nodes if node.get("id")]
        assert len(found) == len(set(found))
        return set(found), nodes

    def test_every_reference_leads_somewhere(self) -> None:
        ids, nodes = self.ids_and_nodes(SampleForm({"email": "x"}))
        labels = {node.get("for") for node in nodes if node.tag == "label"}
        described = {
            part for node in nodes for part in (node.get("aria-describedby") or "").split()
        }
        assert labels <= ids
        assert {
            "id_email_helptext",
            "id_email_error",
            "id_place_error",
            "id_terms_error",
        } <= described
        assert described <= ids

    def test_the_summary_links_to_each_bad_field(self) -> None:
        ids, nodes = self.ids_and_nodes(SampleForm({"email": "x"}))
        summary = next(node for node in nodes if node.get("role") == "alert")
        targets = [link.get("href") for link in summary.iter("a")]
        assert targets == ["#id_email", "#id_place_0", "#id_terms"]
        assert {target[1:] for target in targets} <= ids

    def test_bad_fields_are_marked_and_good_ones_are_not(self) -> None:
        _, nodes = self.ids_and_nodes(SampleForm({"email": "x", "place": "home", "terms": "on"}))
        invalid = [node.get("name") for node in nodes if node.get("aria-invalid") == "true"]
        assert invalid == ["email"]

    def test_only_optional_fields_say_so(self) -> None:
        _, nodes = self.ids_and_nodes(SampleForm())
        text = ["".join(node.itertext()) for node in nodes if node.tag in {"label", "legend"}]
        assert [label for label in text if "(optional)" in label] == ["Note (optional)"]

    def test_typed_text_is_kept_and_inert(self) -> None:
        drawn = draw('{% include "components/field.html" with field=form.note %}',
                     form=SampleForm({"note": "</textarea><script>x</script>"}))  # fmt: skip
        assert "<script>" not in drawn
        assert "&lt;/textarea&gt;" in drawn


class TestComponents:
    def test_words_in_components_are_escaped(self) -> None:
        bad = '"><script>alert(1)</script>'
        for source in (
            "{% button name='x' value=bad %}{{ bad }}{% endbutton %}",
            "{% chip remove_url=bad label=bad %}{{ bad }}{% endchip %}",
            "{% badge icon='x' %}{{ bad }}{% endbadge %}",
            "{% banner %}{{ bad }}{% endbanner %}",
            "{% dialog title=bad back_url=bad %}{{ bad }}{% enddialog %}",
        ):
            assert "<script>" not in draw(source, bad=bad)

    def test_a_chip_says_what_it_removes(self) -> None:
        drawn = draw("{% chip remove_url='?q=piano' %}Park Slope{% endchip %}")
        assert 'aria-label="Remove Park Slope"' in drawn

    @pytest.mark.parametrize(("count", "average", "shown"), [(2, "5.00", False), (3, "4.97", True)])
    def test_an_average_needs_three_reviews(self, count: int, average: str, shown: bool) -> None:
        """Spec: S10.2."""
        source = '{% include "components/rating.html" %}'
        drawn = draw(source, average=average, count=count)
        assert (average in drawn) is shown
        assert ("New" in drawn) is not shown

    def test_a_taken_time_cannot_be_chosen_and_says_why(self) -> None:
        drawn = draw('{% include "components/slot.html" with name="t" value="v" state="taken" %}',
                     start_at=utc(2026, 3, 7, 15), zone=NEW_YORK)  # fmt: skip
        assert " disabled" in drawn
        assert ", taken" in drawn

    def test_pages_keep_the_rest_of_the_query(self) -> None:
        drawn = draw(
            '{% include "components/pagination.html" %}',
            page=Paginator(range(45), 20).page(2),
            request=RequestFactory().get("/?q=piano&page=2"),
        )
        assert 'href="?q=piano&amp;page=1"' in drawn
        assert 'href="?q=piano&amp;page=3"' in drawn


class TestFrame:
    def test_nothing_is_inline(self, gallery_page: str) -> None:
        """Spec: S17.1."""
        for node in elements(gallery_page):
            assert node.tag != "style"
            assert not node.get("style")
            assert not any(name.startswith("on") for name in node.attrib)
            assert node.tag != "script" or node.get("src")

    def test_the_page_is_well_formed_and_ids_are_unique(self, gallery_page: str) -> None:
        parser = html5lib.HTMLParser(strict=True)
        parser.parse(gallery_page)
        ids = [node.get("id") for node in elements(gallery_page) if node.get("id")]
        assert sorted(ids) == sorted(set(ids))

    def test_htmx_is_kept_on_a_short_leash(self, gallery_page: str) -> None:
        """Spec: S17.9."""
        meta = next(n for n in elements(gallery_page) if n.get("name") == "htmx-config")
        config = json.loads(meta.get("content"))
        handling = config.pop("responseHandling")
        assert config == {
            "allowEval": False, "allowScriptTags": False, "selfRequestsOnly": True,
            "includeIndicatorStyles": False, "historyCacheSize": 0, "refreshOnHistoryMiss": True,
        }  # fmt: skip
        swapped = {
            code: next(rule["swap"] for rule in handling if re.search(rule["code"], code))
            for code in ("200", "204", "402", "409", "422", "404", "429", "500")
        }
        assert [code for code, swap in swapped.items() if swap] == ["200", "402", "409", "422"]

    def test_the_first_link_skips_to_the_content(self, gallery_page: str) -> None:
        first = next(node for node in elements(gallery_page) if node.tag == "a")
        assert first.get("href") == "#main"


class TestStyles:
    def files(self, folder: str, kind: str) -> list[Path]:
        return sorted((STATIC / folder).rglob(f"*.{kind}"))

    def test_colours_live_in_the_tokens_only(self) -> None:
        for path in self.files("css", "css"):
            if path.name != "tokens.css":
                assert not re.search(r"#[0-9A-Fa-f]{3,8}\b|rgba?\(|hsla?\(", path.read_text()), path

    def test_a_class_is_described_in_one_file_of_components(self) -> None:
        """Two files that mean different things by one name would change each other's pages."""
        homes: dict[str, set[str]] = {}
        for path in (STATIC / "css" / "components").glob("*.css"):
            for name in re.findall(r"(?m)^ {2}\.([\w-]+)(?:,$| \{)", path.read_text()):
                homes.setdefault(name, set()).add(path.name)
        assert {name: files for name, files in homes.items() if len(files) > 1} == {}

    def test_every_class_of_the_styles_is_used_and_every_used_one_is_styled(self) -> None:
        """A class that nobody wears is dead weight; one without rules is a slip of the pen."""
        styles = "".join(path.read_text() for path in self.files("css", "css"))
        styles = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", styles, flags=re.DOTALL)
        styled = set(re.findall(r"\.([a-zA-Z][\w-]*)", styles)) - WORN_BY_HTMX
        # Mails and the admin wear styles of their own.
        others = {"mail", "email", "admin"}
        pages = [
            path
            for path in TEMPLATES.rglob("*.html")
            if not others & {*path.relative_to(TEMPLATES).parts}
        ]
        markup = "".join(path.read_text() for path in pages)
        code = "".join(
            path.read_text()
            for folder in ("instainstru", "accounts", "catalog", "bookings", "search", "static/js")
            for path in (Path(settings.BASE_DIR) / folder).rglob("*.[pj][ys]")
        )
        words = set(re.findall(r"[\w-]+", markup + code))
        endings = tuple(re.findall(r"([a-z][\w-]*-)(?:\{[{%])", markup + code))
        assert {name for name in styled - words if not name.startswith(endings)} == set()
        plain = re.sub(r"(?s)\{% comment %\}.*?\{% endcomment %\}|\{#.*?#\}", "", markup)
        plain = re.sub(r"\{\{.*?\}\}|-\{%.*?%\}\w+(\{%.*?%\}\w*)*", "?", plain)
        plain = re.sub(r"\{%.*?%\}", " ", plain)
        worn = {name for value in re.findall(r'class="([^"]*)"', plain) for name in value.split()}
        assert {name for name in worn - styled if "?" not in name} == set()

"""Gallery of every component in its states, for people who build and check pages."""

from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from catalog.city_map import CityMap, coverage_map, lit_map, matches_map
from catalog.files import DATA_DIR, read_neighborhoods
from instainstru.access import public, requires
from instainstru.clock import NEW_YORK
from instainstru.error_pages import PAGES, error_page

SATURDAY = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEW = 2
CATEGORIES = (
    ("music", "music", "Music", "Piano, guitar, voice and 75 more"),
    ("tutoring", "graduation-cap", "Tutoring", "Algebra, SAT, reading and 66 more"),
    ("sports-fitness", "dumbbell", "Sports & Fitness", "Yoga, swimming, tennis and 75 more"),
    ("language", "languages", "Language", "Spanish, French, Mandarin and 56 more"),
    ("arts", "palette", "Arts", "Drawing, pottery, photography and 58 more"),
    ("dance-performance", "drama", "Dance & Performance", "Ballet, salsa, acting and 46 more"),
    ("kids", "baby", "Kids", "First music, chess, reading and 41 more"),
    ("tech-career", "laptop", "Tech & Career", "Python, Excel, interviews and 42 more"),
    ("hidden-gems", "gem", "Hidden Gems", "Juggling, calligraphy, magic and 66 more"),
)


class SampleForm(forms.Form):
    """One field of every kind."""

    email = forms.EmailField(
        label="Email", widget=forms.EmailInput(attrs={"autocomplete": "email"})
    )
    card = forms.CharField(
        label="Card number",
        help_text="We never store the full number.",
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "cc-number"}),
    )
    level = forms.ChoiceField(
        label="Level", choices=[("new", "New to this"), ("some", "Some experience")]
    )
    place = forms.ChoiceField(
        label="Where",
        choices=[("home", "My home, Park Slope"), ("online", "Online")],
        widget=forms.RadioSelect,
    )
    days = forms.MultipleChoiceField(
        label="Days",
        choices=[("sat", "Saturday"), ("sun", "Sunday")],
        widget=forms.CheckboxSelectMultiple,
        required=False,
    )
    note = forms.CharField(
        label="Note for Maya",
        required=False,
        max_length=500,
        help_text="Up to 500 characters.",
        widget=forms.Textarea,
    )
    on = forms.DateField(
        label="Earliest day", required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    password = forms.CharField(
        label="Password", widget=forms.PasswordInput(attrs={"autocomplete": "current-password"})
    )
    photo = forms.FileField(label="Photo", required=False, help_text="JPEG or PNG up to 5 MB.")
    code = forms.CharField(label="Code", disabled=True, initial="II-7K3M9Q")
    terms = forms.BooleanField(label="I agree to the terms and the cancellation policy")


class PriceForm(forms.Form):
    """Numbers with words around them."""

    most = forms.IntegerField(label="At most", initial=90)
    least = forms.IntegerField(label="At least", initial=40)


def _slots(*hours_from_start: int) -> list[dict[str, Any]]:
    return [
        {"url": "#", "start_at": SATURDAY + hours * HOUR, "zone": NEW_YORK}
        for hours in hours_from_start
    ]


def _cards() -> list[dict[str, Any]]:
    maya: dict[str, Any] = {
        "url": "#maya", "name": "Maya C.", "price_text": "$85",
        "headline": "Juilliard-trained pianist, patient with beginners.",
        "rating_text": "4.97", "review_count": 128, "price_note": "$64 for 45 min",
        "facts": ["12 years", "Park Slope, 0.6 mi"],
        "badges": [
            {"icon": "shield-check", "text": "Background checked"},
            {"icon": "award", "text": "Founding instructor"},
        ],
        "slots": _slots(0, 5, 24), "more_url": "#times",
        "why": "teaches Piano · open Saturday · 0.6 miles away",
    }  # fmt: skip
    unusual = "Bartholomew-Alexander Featherstonehaugh-Konstantinopoulos W."
    andre = maya | {
        "url": "#andre", "name": unusual, "rating_text": "", "review_count": 1, "badges": [],
        "differs": "Open Sunday instead", "slots": _slots(24), "price_text": "$1,250", "why": "",
    }  # fmt: skip
    return [maya, andre, maya | {"url": "#ines", "name": "Inés Q.", "slots": [], "why": ""}]


def _lessons() -> list[dict[str, Any]]:
    confirmed: dict[str, Any] = {
        "url": "#lesson", "title": "Jazz Piano with Andre W.", "instructor_name": "Andre W.",
        "start_at": SATURDAY, "end_at": SATURDAY + HOUR, "zone": NEW_YORK,
        "status": {"kind": "ok", "icon": "circle-check", "text": "Confirmed"},
        "status_note": "starts in 21 hours", "facts": ["Leo", "at your home", "II-7K3M9Q"],
        "price_text": "$85", "note": "Free to cancel until Fri, Mar 6, 10:00 AM EST",
        "actions": [
            {"url": "#calendar", "label": "Add to calendar"},
            {"url": "#cancel", "label": "Cancel", "variant": "danger"},
        ],
    }  # fmt: skip
    cancelled = confirmed | {
        "url": "#cancelled", "status_note": "", "actions": [], "price_text": "$85.50",
        "status": {"kind": "plain", "icon": "circle-x", "text": "Cancelled by you"},
        "note": "$85.50 went back to Visa ending 4242.",
    }  # fmt: skip
    return [confirmed, cancelled]


def _slot_groups() -> list[dict[str, Any]]:
    def slot(hours: int, **state: Any) -> dict[str, Any]:
        start_at = SATURDAY + hours * HOUR
        return {"start_at": start_at, "value": f"{start_at:%Y%m%dT%H%MZ}", **state}

    return [
        {"title": "Morning", "slots": [slot(0, checked=True), slot(1)]},
        {"title": "Afternoon", "slots": [slot(4), slot(5, state="taken"), slot(6)]},
        {"title": "Evening", "slots": [], "next_start": SATURDAY + 56 * HOUR},
    ]


def _day(number: int, count: int) -> dict[str, Any]:
    kind = "closed" if not count else "few" if count <= FEW else "open"
    label = f"March {number}, {count} times" if count else f"March {number}, not available"
    url = f"#day-2026-03-{number:02d}" if count else ""
    iso = f"2026-03-{number:02d}"
    return {
        "number": number, "iso": iso, "label": label, "count": count, "kind": kind, "url": url,
    }  # fmt: skip


def _month() -> dict[str, Any]:
    counts = {4: 2, 5: 6, 7: 4, 8: 6, 14: 1, 21: 6}
    days = [_day(number, counts.get(number, 0)) for number in range(1, 32)]
    days[3]["is_today"] = True
    days[5] |= {"kind": "full", "label": "March 6, no times left", "url": "#day-2026-03-06"}
    days[6]["is_current"] = True
    padded: list[dict[str, Any] | None] = [*days, *[None] * 4]
    weeks = [padded[start : start + 7] for start in range(0, len(padded), 7)]
    return {"title": "March 2026", "weeks": weeks, "next_url": "#april", "next_label": "April 2026"}


LIT = ("Astoria", "Bushwick", "Flushing", "Harlem", "Inwood", "Park Slope", "St. George", "SoHo")
MATCHES = {
    "Park Slope": 9, "Gowanus": 4, "Prospect Heights": 3, "Carroll Gardens": 2, "Fort Greene": 1,
    "Crown Heights": 5, "Windsor Terrace": 1, "Lower East Side": 2, "Williamsburg": 6,
}  # fmt: skip


def _maps() -> list[tuple[str, CityMap]]:
    everywhere = read_neighborhoods(DATA_DIR / "neighborhoods.csv")
    served = ["Gowanus", "South Slope", "Windsor Terrace", "Prospect Heights", "Boerum Hill"]
    return [
        ("A few lit", lit_map(LIT)),
        ("None lit", lit_map([])),
        ("Many lit", lit_map([row.name for row in everywhere[::3]])),
        ("Where Maya teaches", coverage_map("Park Slope", served)),
        ("At her place only", coverage_map("Tottenville", [])),
        ("Instructors who match", matches_map(MATCHES, "#in-{}".format)),
        ("One matches", matches_map({"City Island": 1}, "#in-{}".format)),
    ]


def _filled_form() -> SampleForm:
    return SampleForm({"email": "maya@", "level": "some", "place": "elsewhere"}, auto_id="bad_%s")


def _gallery(request: HttpRequest) -> HttpResponse:
    """Show every component in its states; ``?dialog=1`` and ``?error=404`` show those."""
    if request.GET.get("dialog"):
        return render(request, "gallery_dialog.html")
    shown = request.GET.get("error", "")
    if shown in {str(status) for status in PAGES}:
        return error_page(request, int(shown), retry_after_seconds=40, roles="student or admin")
    context = {
        "cards": _cards(), "lessons": _lessons(), "groups": _slot_groups(), "month": _month(),
        "maps": _maps(), "tiles": CATEGORIES, "form": SampleForm(),
        "prices": PriceForm(), "bad_form": _filled_form(),
        "zone": NEW_YORK, "start_at": SATURDAY, "end_at": SATURDAY + HOUR,
        "expires_at": SATURDAY + HOUR / 6,
        "lines": [
            {"label": "Lesson, 60 min", "cents": 8500},
            {"label": "Travel fee", "cents": 500},
            {"label": "Credit", "cents": -1000},
        ],
        "details": [
            {"icon": "calendar", "term": "When", "value": "Sat, Mar 7, 10:00 – 11:00 AM EST"},
            {"icon": "map-pin", "term": "Where", "value": "Your home, Park Slope, Brooklyn"},
            {"icon": "user", "term": "Who", "value": "Leo, 9"},
        ],
        "services": [
            {"url": "#piano", "name": "Piano", "description": "Classical, contemporary, every age.",
             "price_text": "from $45/hour", "instructors_text": "24 instructors"},
            {"url": "#jazz", "name": "Jazz Piano", "description": "Voicings, comping, swing feel.",
             "price_text": "", "instructors_text": "No one yet"},
        ],
        "tabs": [
            {"url": "#upcoming", "label": "Upcoming", "count": 3, "current": True},
            {"url": "#cancelled", "label": "Cancelled", "count": 0},
        ],
        "statuses": sorted(PAGES),
        "page": Paginator(range(45), 20).page(2),
        "lengths": [(30, 4500), (60, 8500), (90, 12000)],
        "names": ["Maya C.", "Andre W.", "Inés Q.", "Lena B.", "Ravi S.", "Tom Ó.", "Kim"],
    }  # fmt: skip
    return render(request, "gallery.html", context)


gallery = public(_gallery) if settings.DEBUG else requires("system.monitor")(_gallery)

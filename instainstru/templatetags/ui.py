"""Template tags of the whole product: money, times, icons, people and the few component tags.

The only module that marks text as safe HTML (Spec: S17.3, G7, G9).
"""

import json
from collections.abc import Iterable
from datetime import date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zlib import crc32
from zoneinfo import ZoneInfo

from django import template
from django.http import QueryDict
from django.template import Context
from django.template.loader import render_to_string
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from lucide.templatetags.lucide import lucide

from instainstru.clock import now

register = template.Library()

AVATAR_COLORS = 8
CENTS_PER_DOLLAR = 100
MINUTES_PER_HOUR = 60
HOURS_PER_DAY = 24


# --- Money ----------------------------------------------------------------------------------------
@register.filter
def money(cents: int) -> str:
    """Print cents as ``$85``, ``$85.50`` or, below zero, ``– $10.00`` (Spec: G9)."""
    if cents < 0 or cents % CENTS_PER_DOLLAR:
        return money_exact(cents)
    return f"${cents // CENTS_PER_DOLLAR:,}"


@register.filter
def money_exact(cents: int) -> str:
    """Print cents with both decimals always, for price lines and pay buttons: ``$85.00``."""
    dollars, rest = divmod(abs(cents), CENTS_PER_DOLLAR)
    return f"{'– ' if cents < 0 else ''}${dollars:,}.{rest:02d}"


# --- Times: an instant is always printed in a named zone, with its abbreviation (Spec: G7) --------
def _in_zone(instant: datetime, zone: tzinfo | str) -> datetime:
    if instant.tzinfo is None:
        raise ValueError("An instant without a zone cannot be shown.")
    return instant.astimezone(ZoneInfo(zone) if isinstance(zone, str) else zone)


def _clock(local: datetime) -> str:
    return f"{local.hour % 12 or 12}:{local.minute:02d}"


def _meridiem(local: datetime) -> str:
    return "AM" if local.hour < 12 else "PM"  # noqa: PLR2004 - noon


def _abbreviation(local: datetime) -> str:
    name = local.tzname() or ""
    return f"UTC{name}" if name[:1] in "+-" else name


def format_day(value: date, *, style: str = "short") -> str:
    """Print a date: ``Sat, Mar 7``, ``long``: ``Saturday, March 7``, ``year``: with the year."""
    if style == "long":
        return f"{value:%A, %B} {value.day}"
    short = f"{value:%a, %b} {value.day}"
    return f"{short}, {value.year}" if style == "year" else short


def format_clock(instant: datetime, zone: tzinfo | str, *, abbreviation: bool = True) -> str:
    """Print the time of day in the zone: ``10:00 AM EST``."""
    local = _in_zone(instant, zone)
    text = f"{_clock(local)} {_meridiem(local)}"
    return f"{text} {_abbreviation(local)}" if abbreviation else text


def _format_range(start: datetime, end: datetime) -> str:
    tail = f"{_clock(end)} {_meridiem(end)} {_abbreviation(end)}"
    if start.date() != end.date():
        tail = f"{format_day(end)}, {tail}"
    elif start.utcoffset() == end.utcoffset() and _meridiem(start) == _meridiem(end):
        return f"{_clock(start)} – {tail}"
    head = f"{_clock(start)} {_meridiem(start)}"
    if start.utcoffset() != end.utcoffset():
        head = f"{head} {_abbreviation(start)}"
    return f"{head} – {tail}"


def format_hours(start_at: datetime, end_at: datetime, zone: tzinfo | str) -> str:
    """Print the hours of one lesson without its day: ``10:00 – 11:00 AM EST``."""
    return _format_range(_in_zone(start_at, zone), _in_zone(end_at, zone))


def format_when(
    start_at: datetime,
    zone: tzinfo | str,
    end_at: datetime | None = None,
    *,
    style: str = "short",
) -> str:
    """Print day and time in the zone: ``Sat, Mar 7, 10:00 – 11:00 AM EST``.

    Both sides carry AM or PM when they differ, both abbreviations on a clock change, and the end
    its own day when a lesson crosses midnight.
    """
    hours = format_hours(start_at, end_at, zone) if end_at else format_clock(start_at, zone)
    return f"{format_day(_in_zone(start_at, zone), style=style)}, {hours}"


def _time_element(local: datetime, text: str) -> SafeString:
    return format_html('<time datetime="{}">{}</time>', local.isoformat(timespec="minutes"), text)


@register.simple_tag
def when(
    start_at: datetime, zone: tzinfo | str, end_at: datetime | None = None, style: str = "short"
) -> SafeString:
    """Show day and hours as a ``<time>`` element; see :func:`format_when`."""
    return _time_element(_in_zone(start_at, zone), format_when(start_at, zone, end_at, style=style))


@register.simple_tag
def when_text(
    start_at: datetime, zone: tzinfo | str, end_at: datetime | None = None, style: str = "short"
) -> str:
    """Show the same words as ``when`` without markup, for titles, labels and plain mails."""
    return format_when(start_at, zone, end_at, style=style)


@register.simple_tag
def hours(start_at: datetime, end_at: datetime, zone: tzinfo | str) -> SafeString:
    """Show ``10:00 – 11:00 AM EST``, under a heading that names the day."""
    return _time_element(_in_zone(start_at, zone), format_hours(start_at, end_at, zone))


@register.simple_tag
def clock_time(instant: datetime, zone: tzinfo | str, abbreviation: bool = True) -> SafeString:
    """Show ``10:00 AM EST``; ``abbreviation=False`` only in a list whose heading names the zone."""
    text = format_clock(instant, zone, abbreviation=abbreviation)
    return _time_element(_in_zone(instant, zone), text)


@register.simple_tag
def slot_time(start_at: datetime, zone: tzinfo | str, with_day: bool = False) -> SafeString:
    """Show a time on a button: ``Sat 10:00 AM``; date and zone are there for screen readers.

    A time that comes twice shows its zone to everybody (Spec: D4).
    """
    local = _in_zone(start_at, zone)
    weekday = format_html(
        '{}<span class="visually-hidden">, {} {},</span> ',
        f"{local:%a}", f"{local:%b}", local.day,
    ) if with_day else ""  # fmt: skip
    zone_class = "" if _comes_twice(local) else "visually-hidden"
    return format_html(
        '<time datetime="{}">{}{} {}<span class="{}"> {}</span></time>',
        local.isoformat(timespec="minutes"),
        weekday, _clock(local), _meridiem(local), zone_class, _abbreviation(local),
    )  # fmt: skip


def _comes_twice(local: datetime) -> bool:
    """Tell whether the wall shows this time twice in the night the clocks go back (Spec: D4)."""
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


@register.simple_tag
def day(
    value: date | datetime, zone: tzinfo | str | None = None, style: str = "short"
) -> SafeString:
    """Show a local date, or the day of an instant in a zone: ``Sat, Mar 7``."""
    local = _in_zone(value, zone) if isinstance(value, datetime) and zone else value
    iso = local.strftime("%Y-%m-%d")
    return format_html('<time datetime="{}">{}</time>', iso, format_day(local, style=style))


@register.simple_tag
def strip_day(on: date) -> SafeString:
    """Show a local date on two lines of a narrow button: the weekday, then ``Mar 7``."""
    return format_html(
        '<time datetime="{}"><b>{}</b> <span>{}</span> {}</time>',
        on.isoformat(), f"{on:%a}", f"{on:%b}", on.day,
    )  # fmt: skip


def counted(count: int, noun: str) -> str:
    """Print a number with its noun: ``1 year``, ``1,200 lessons``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def format_length(length: timedelta) -> str:
    """Print a length in its largest fitting unit: ``12 minutes``, ``21 hours``, ``3 days``."""
    minutes = max(1, int(length.total_seconds() // 60))
    if minutes < 2 * MINUTES_PER_HOUR:
        return counted(minutes, "minute")
    whole_hours = minutes // MINUTES_PER_HOUR
    if whole_hours < 2 * HOURS_PER_DAY:
        return counted(whole_hours, "hour")
    return counted(whole_hours // HOURS_PER_DAY, "day")


@register.filter
def relative(instant: datetime) -> str:
    """Print how far an instant is from now: ``in 21 hours``; an extra beside the absolute time."""
    distance = instant - now()
    text = format_length(abs(distance))
    return f"in {text}" if distance > timedelta(0) else f"{text} ago"


# --- Icons and people -----------------------------------------------------------------------------
DRAWN_BY_STYLES = frozenset({
    "award", "baby", "calendar", "calendar-check", "chevron-left", "chevron-right",
    "circle-check", "credit-card", "drama", "dumbbell", "gem", "graduation-cap",
    "languages", "laptop", "layout-grid", "list-filter", "log-in", "log-out", "map-pin", "menu",
    "monitor", "moon", "music", "palette", "search", "share-2", "shield-check", "sparkles",
    "star", "sun", "trophy", "user-plus", "x",
})  # fmt: skip
"""What every page repeats comes with the style sheet (``components/icons.css``)."""


@lru_cache(maxsize=512)
def _icon(name: str, css: str, label: str) -> SafeString:
    if name in DRAWN_BY_STYLES and not label:
        classes = " ".join(["icon", *css.split(), f"i-{name}"])
        return format_html('<i class="{}" aria-hidden="true"></i>', classes)
    naming = {"role": "img", "aria-label": label} if label else {"aria-hidden": "true"}
    classes = f"icon {css}".strip()
    drawing = lucide(name, size=20, focusable="false", **{"class": classes}, **naming)
    return mark_safe(drawing)  # noqa: S308 - built by an XML library that escapes attributes


@register.simple_tag
def icon(name: str, css: str = "", label: str = "") -> SafeString:
    """Draw a Lucide icon, hidden from screen readers unless it has a ``label`` of its own."""
    return _icon(str(name), str(css), str(label))


@register.filter
def initials(name: str) -> str:
    """Shorten a name to at most two capitals: ``Maya C.`` gives ``MC``."""
    letters = [next((mark for mark in word if mark.isalnum()), "") for word in name.split()]
    found = [letter for letter in letters if letter]
    return "".join(found[:1] + found[1:][-1:]).upper()


@register.filter
def avatar_color(name: str) -> str:
    """Name the CSS class of a checked colour, the same for the same name for ever."""
    return f"avatar-{crc32(name.encode()) % AVATAR_COLORS + 1}"


# --- Data for machines ----------------------------------------------------------------------------
_JSON_ESCAPES = {ord(mark): f"\\u{ord(mark):04X}" for mark in "<>&\u2028\u2029"}


@register.simple_tag
def json_ld(data: Any) -> SafeString:
    """Show schema.org data as a block that no browser runs and no text inside can end."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":")).translate(_JSON_ESCAPES)
    return mark_safe(  # noqa: S308 - every character that could end the block is escaped
        f'<script type="application/ld+json">{text}</script>'
    )


# --- Query strings --------------------------------------------------------------------------------
def _current_query(context: Context) -> QueryDict:
    request = context.get("request")
    return request.GET.copy() if request is not None else QueryDict(mutable=True)


@register.simple_tag(takes_context=True)
def query(context: Context, **changes: Any) -> str:
    """Rewrite this page's query string: a value sets, a list sets all, None or "" removes."""
    params = _current_query(context)
    for name, value in changes.items():
        if value is None or value == "":
            params.pop(name, None)
        elif isinstance(value, Iterable) and not isinstance(value, str):
            params.setlist(name, [str(item) for item in value])
        else:
            params[name] = str(value)
    return f"?{params.urlencode()}"


@register.simple_tag(takes_context=True)
def query_without(context: Context, name: str, value: Any) -> str:
    """Rewrite this page's query string with one value of a repeated parameter taken out."""
    params = _current_query(context)
    params.setlist(name, [kept for kept in params.getlist(name) if kept != str(value)])
    return f"?{params.urlencode()}"


# --- Components that wrap content; their parameters are described in the templates ----------------
@register.simple_block_tag
def button(content: str, **options: Any) -> SafeString:
    """Render ``components/button.html`` around the label."""
    return render_to_string("components/button.html", {"content": content, **options})


@register.simple_block_tag
def chip(content: str, **options: Any) -> SafeString:
    """Render ``components/chip.html`` around the words."""
    return render_to_string("components/chip.html", {"content": content, **options})


@register.simple_block_tag
def badge(content: str, **options: Any) -> SafeString:
    """Render ``components/badge.html`` around the word."""
    return render_to_string("components/badge.html", {"content": content, **options})


@register.simple_block_tag
def banner(content: str, **options: Any) -> SafeString:
    """Render ``components/banner.html`` around the sentence."""
    return render_to_string("components/banner.html", {"content": content, **options})


@register.simple_block_tag(takes_context=True)
def dialog(context: Context, content: str, **options: Any) -> SafeString:
    """Render ``components/dialog.html``: dialog content for HTMX, the same content as a page."""
    shared = {"content": content, "request": context.get("request"), **options}
    return render_to_string("components/dialog.html", shared)

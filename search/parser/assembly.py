"""From findings to constraints and chips, leaving out what the searcher removed."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Literal, cast

from search.gazetteer import Gazetteer
from search.parser import labels
from search.parser.modality import MODALITIES
from search.parser.places import Mention
from search.parser.query import HOUR, Chip, Constraints, Exclusions
from search.parser.reading import Finding, Reading
from search.parser.weekdays import CODES
from search.parser.windows import LAST_MINUTE, Window, merge_windows

DEFAULT_DURATION_MINUTES = HOUR


class Assembly:
    """Collects constraints and chips of one reading, key by key."""

    def __init__(
        self, reading: Reading, gazetteer: Gazetteer, removed: frozenset[str], place: str | None
    ) -> None:
        self.reading = reading
        self.gazetteer = gazetteer
        self.removed = removed
        self.place = place
        self.constraints: Constraints = {}
        self.chips: list[Chip] = []
        self.dates: tuple[date, ...] = ()
        self.weekdays: tuple[str, ...] = ()
        self.basis: Literal["hour", "lesson"] = "lesson" if self._first("price_basis") else "hour"
        rate = self._first("price_minutes")
        self.price_minutes = cast("int", rate.value) if rate else HOUR

    def build(self) -> None:
        """Fill constraints and chips in the order of the query."""
        for step in (
            self._price, self._location, self._modality, self._when, self._time,
            self._learner, self._duration, self._exclusions,
        ):  # fmt: skip
            step()
        self.chips.sort(key=lambda chip: (chip.start, chip.token))

    def _first(self, key: str) -> Finding | None:
        return next((one for one in self.reading.findings if one.key == key), None)

    def _is_removed(self, *tokens: str) -> bool:
        return not self.removed.isdisjoint(tokens)

    def _chip(
        self, token: str, label: str, value: object, found: Finding, choices: tuple[str, ...] = ()
    ) -> None:
        self.chips.append(Chip(token, label, value, found.start, found.end, choices))

    def _price(self) -> None:
        low, high = self._first("min_price"), self._first("max_price")
        per = labels.per_label(self.basis, self.price_minutes)
        if low and not self._is_removed("min_price", "price"):
            self.constraints["min_price"] = _number(low)
            self._chip("min_price", labels.price_label(_number(low), None, per), low.value, low)
        if high and not self._is_removed("max_price", "price"):
            self.constraints["max_price"] = _number(high)
            self._chip("max_price", labels.price_label(None, _number(high), per), high.value, high)
        self._word("price_pref", labels.PRICE_PREF_LABELS)

    def _word(self, key: str, names: dict[str, str]) -> None:
        found = self._first(key)
        if found and not self._is_removed(key):
            value = str(found.value)
            self.constraints[key] = value  # type: ignore[literal-required]
            self._chip(key, names.get(value, value.capitalize()), value, found)

    def _location(self) -> None:
        found = [one for one in self.reading.findings if one.key == "location"]
        if not found or self._is_removed("location"):
            return
        mentions = [cast("Mention", one.value) for one in found]
        choices = self._choices(mentions)
        names = list(dict.fromkeys(mention.place.name for mention in mentions))
        if self.place in choices and self.place is not None:
            names = [self.place]
        self.constraints["location"] = names[0] if len(names) == 1 else names
        self._chip(
            "location", labels.places_label(names), self.constraints["location"], found[0], choices
        )

    def _choices(self, mentions: list[Mention]) -> tuple[str, ...]:
        if len(mentions) != 1 or mentions[0].is_settled:
            return ()
        names = tuple(place.name for place in self.gazetteer.choices(mentions[0].key))
        return names if len(names) > 1 else ()

    def _modality(self) -> None:
        found, ruled_out = self._first("modality"), self._first("not_modality")
        if self._is_removed("modality"):
            return
        if ruled_out:
            name = str(ruled_out.value)
            kept = str(found.value) if found else _opposite(name)
            if kept:
                self.constraints["modality"] = kept
            self.constraints.setdefault("exclude", {})["modality"] = name
            label = f"Not {labels.MODALITY_LABELS[name].lower()}"
            self._chip("modality", label, kept or name, ruled_out)
        else:
            self._word("modality", labels.MODALITY_LABELS)

    def _when(self) -> None:
        found = [one for one in self.reading.findings if one.key in {"dates", "weekdays"}]
        soon = self._first("soon")
        if soon and not found:
            moment = cast("tuple[datetime, datetime | None]", soon.value)[0]
            found = [Finding("dates", [moment.date()], soon.start, soon.end)]
        if not found or self._is_removed("date_expr"):
            return
        days = {day for one in found if one.key == "dates" for day in cast("list[date]", one.value)}
        codes = {
            code for one in found if one.key == "weekdays" for code in cast("list[str]", one.value)
        }
        self.dates = tuple(sorted(days))
        self.weekdays = tuple(code for code in CODES if code in codes)
        value = [*(day.isoformat() for day in self.dates), *self.weekdays]
        self.constraints["date_expr"] = value
        first = min(found, key=lambda one: one.start)
        self._chip("date_expr", labels.when_label(self.dates, self.weekdays), value, first)

    def _duration_minutes(self) -> int:
        found = self._first("duration_minutes")
        if found is None or self._is_removed("duration_minutes"):
            return DEFAULT_DURATION_MINUTES
        return cast("int", found.value)

    def _time(self) -> None:
        if self._is_removed("time"):
            return
        found = [one for one in self.reading.findings if one.key == "window"]
        soon = self._first("soon")
        minutes = self._duration_minutes()
        if soon and not found:
            found = [Finding("window", _soon_window(soon, minutes), soon.start, soon.end)]
        window = merge_windows([cast("Window", one.value) for one in found], minutes)
        if window is None:
            return
        if window.after is not None:
            self.constraints["time_after"] = _clock_text(window.after)
        if window.before is not None:
            self.constraints["time_before"] = _clock_text(window.before)
        first = min(found, key=lambda one: one.start)
        self._chip("time", labels.time_label(window), (window.after, window.before), first)

    def _learner(self) -> None:
        age = self._first("age")
        if age and not self._is_removed("age"):
            self.constraints["age"] = _number(age)
            self._chip("age", labels.age_label(age.value), age.value, age)
        self._word("age_group", labels.AGE_GROUP_LABELS)
        self._word("level", {})

    def _duration(self) -> None:
        found = self._first("duration_minutes")
        if found and not self._is_removed("duration_minutes"):
            minutes = cast("int", found.value)
            self.constraints["duration_minutes"] = minutes
            self._chip("duration_minutes", labels.duration_label(minutes), minutes, found)

    def _exclusions(self) -> None:
        self._exclude(
            "location", labels.places_label, lambda names: names[0] if len(names) == 1 else names
        )
        self._exclude("weekdays", labels.weekdays_label, lambda codes: codes)

    def _exclude(
        self,
        key: Literal["location", "weekdays"],
        label: Callable[[list[str]], str],
        value_of: Callable[[list[str]], str | list[str]],
    ) -> None:
        found = [one for one in self.reading.findings if one.key == f"not_{key}"]
        if not found or self._is_removed(f"exclude_{key}"):
            return
        said = list(dict.fromkeys(name for one in found for name in cast("list[str]", one.value)))
        exclusions: Exclusions = self.constraints.setdefault("exclude", {})
        exclusions[key] = value_of(said)
        self._chip(f"exclude_{key}", f"Not {label(said)}", exclusions[key], found[0])


def _opposite(modality: str) -> str | None:
    known = {"online": "in_person", "in_person": "online"}
    return known.get(modality) if modality in dict(MODALITIES) else None


def _number(found: Finding) -> int | float:
    return cast("int | float", found.value)


def _clock_text(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _soon_window(soon: Finding, duration_minutes: int) -> Window:
    """The window of "now": starts until the latest start, and then the whole lesson."""
    begin, latest = cast("tuple[datetime, datetime | None]", soon.value)
    after = begin.hour * 60 + begin.minute
    if latest is None:
        return Window(after=after)
    if latest.date() > begin.date():
        return Window(after, LAST_MINUTE)
    return Window(after, min(latest.hour * 60 + latest.minute + duration_minutes, LAST_MINUTE))

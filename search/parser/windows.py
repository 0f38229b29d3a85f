"""Windows of the local day and how several of them become one."""

from dataclasses import dataclass

NOON = 12 * 60
EVENING_START = 17 * 60
LAST_MINUTE = 23 * 60 + 59


@dataclass(frozen=True, slots=True)
class Window:
    """Minutes of the local day that a lesson must lie in; `is_start` marks "at 3 pm"."""

    after: int | None = None
    before: int | None = None
    is_start: bool = False
    is_part: bool = False
    is_joined: bool = False


def merge_windows(windows: list[Window], duration_minutes: int) -> Window | None:
    """Merge everything said about the time into one window; a stated clock beats a part of day.

    Spec: S8.1
    """
    starts = [window.after for window in windows if window.is_start and window.after is not None]
    if starts:
        end = min(max(starts) + duration_minutes, LAST_MINUTE)
        return Window(min(starts), end, is_start=len(set(starts)) == 1)
    clocks = _read_as_evening(_intersect([window for window in windows if not window.is_part]))
    if clocks.after is not None and clocks.before is not None:
        return clocks
    parts = _merge_parts([window for window in windows if window.is_part])
    both = _intersect([clocks, parts])
    if both.after is not None and both.before is not None and both.after >= both.before:
        both = clocks
    return None if both.after is None and both.before is None else both


def _intersect(windows: list[Window]) -> Window:
    after = max((w.after for w in windows if w.after is not None), default=None)
    before = min((w.before for w in windows if w.before is not None), default=None)
    return Window(after, before)


def _read_as_evening(window: Window) -> Window:
    """“after 5 but not after 8”: the end lies after the start, so it is eight in the evening."""
    after, before = window.after, window.before
    if after is None or before is None or before > after:
        return window
    return Window(after, before + NOON) if after < before + NOON <= LAST_MINUTE else window


def _merge_parts(parts: list[Window]) -> Window:
    if not parts:
        return Window()
    if not any(part.is_joined for part in parts):
        narrow = _intersect(parts)
        if narrow.after is None or narrow.before is None or narrow.after < narrow.before:
            return narrow
    after = None if any(p.after is None for p in parts) else min(p.after or 0 for p in parts)
    before = None if any(p.before is None for p in parts) else max(p.before or 0 for p in parts)
    return Window(after, before)

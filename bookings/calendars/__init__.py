"""Calendars that instructors keep elsewhere: read now and then for when they are busy."""

"""The words in which events say what happened (Spec: S3.1, S3.3)."""

from django.db import models


class SearchType(models.TextChoices):
    """By what way a search was asked for. Spec: S3.1"""

    NATURAL_LANGUAGE = "natural_language", "Words"
    CATEGORY = "category", "Name of a category"
    SERVICE = "service", "Name of a service"
    FILTER = "filter", "Filters alone"
    SUGGESTION = "suggestion", "A suggestion"
    HISTORY = "history", "A recent search"
    RAIL = "rail", "A row of the homepage"
    MAP = "map", "The map"


class PlaceSource(models.TextChoices):
    """Who said where. Spec: S3.1"""

    UNKNOWN = "", "Unknown"
    QUERY = "query", "The words"
    FILTER = "filter", "The filters"
    PROFILE = "profile", "A saved address"
    IP = "ip", "The network address"


class Referrer(models.TextChoices):
    """Where somebody came from. Spec: S3.1"""

    INTERNAL = "internal", "A page of ours"
    DIRECT = "direct", "Nowhere"
    ORGANIC = "organic", "A search engine"
    SOCIAL = "social", "A social network"
    EMAIL = "email", "A mail"


class InteractionType(models.TextChoices):
    """What somebody did with a search. Spec: S3.3"""

    IMPRESSION = "impression", "Saw a card"
    RESULT_CLICK = "result_click", "Opened a result"
    PROFILE_VIEW = "profile_view", "Saw a profile"
    SERVICE_VIEW = "service_view", "Saw a service"
    SUGGESTION_CLICK = "suggestion_click", "Took a suggestion"
    DID_YOU_MEAN_CLICK = "did_you_mean_click", "Took another spelling"
    HISTORY_CLICK = "history_click", "Took a recent search"
    FILTER_CHANGE = "filter_change", "Changed the filters"
    SORT_CHANGE = "sort_change", "Changed the order"
    PAGE_NEXT = "page_next", "Went on to another page"
    MAP_MOVE = "map_move", "Moved the map"
    FAVORITE_ADD = "favorite_add", "Saved an instructor"
    FAVORITE_REMOVE = "favorite_remove", "Took an instructor off the list"
    AVAILABILITY_VIEW = "availability_view", "Saw the times"
    SLOT_SELECT = "slot_select", "Chose a time"
    HOLD_CREATED = "hold_created", "Held a time"
    BOOKING_CONFIRMED = "booking_confirmed", "Booked"
    ABANDON = "abandon", "Left"

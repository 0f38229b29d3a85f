"""Clock-driven jobs of the building and of the pages that compose several apps.

Each may run twice or never.
"""

from typing import Final

import structlog
from celery import shared_task

MOST_BACKUP_SECONDS: Final = 2 * 3600
MOST_NAMED: Final = 5

log = structlog.get_logger(__name__)


@shared_task(name="pages.refresh_open_places")
def refresh_open_places() -> int:
    """Find the neighborhoods with times left today."""
    from instainstru import clock
    from instainstru.pages import new_york

    return new_york.refresh_open_places(clock.now())


@shared_task(name="pages.refresh_popular")
def refresh_popular() -> int:
    """Count what was booked most lately, in the city and in each borough."""
    from catalog.models import Neighborhood
    from instainstru import clock
    from instainstru.pages import market

    now = clock.now()
    for borough in Neighborhood.objects.order_by().values_list("borough", flat=True).distinct():
        market.refresh_booked_lately(borough, now)
    return len(market.refresh_popular_services(now))


@shared_task(
    name="backups.make_nightly",
    time_limit=MOST_BACKUP_SECONDS,
    soft_time_limit=MOST_BACKUP_SECONDS - 60,
)
def make_nightly_backup() -> str:
    """Back the database up, prove it and delete what need not be kept; not on INT (Spec: S19.1)."""
    from django.conf import settings

    from instainstru.database.backups.jobs import back_up_nightly
    from instainstru.database.tiers import Tier

    return "" if settings.DECISION.tier is Tier.INT else back_up_nightly()


@shared_task(name="invariants.check_nightly")
def check_invariants() -> int:
    """Look for rows that break what must always hold; each kind alerts. Returns how many broke.

    Spec: S14.5, S16.6
    """
    from instainstru import invariants

    found = {name: texts for name, texts in invariants.violations().items() if texts}
    for name, texts in found.items():
        log.error("invariant_broken", check=name, count=len(texts), first=texts[:MOST_NAMED])
    return sum(map(len, found.values()))

"""Clock-driven jobs of analytics; each may run twice or never (Spec: S4.2)."""

from celery import shared_task


@shared_task(name="analytics.forget_old_events")
def forget_old_events() -> dict[str, int]:
    """Remove searches, impressions and interactions that are over their time."""
    from analytics import services
    from instainstru import clock

    return services.forget_old_events(now=clock.now())

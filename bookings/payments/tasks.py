"""Background work on payments."""

from celery import shared_task


@shared_task(name="payments.process_webhooks")
def process_webhooks() -> int:
    """Act on what gateways told us; also what an earlier run could not."""
    from bookings.payments.services import webhooks
    from instainstru import clock

    return webhooks.process_events(clock.now())


@shared_task(name="payments.send_offline_events")
def send_offline_events() -> int:
    """Let the offline gateway tell us what happened; nothing where another one is used."""
    from django.conf import settings

    from bookings.payments.gateways import OFFLINE
    from bookings.payments.services import offline_events
    from instainstru import clock

    if settings.PAYMENT_GATEWAY != OFFLINE or settings.IS_PROD:
        return 0
    return offline_events.send_events(clock.now())


@shared_task(name="payments.forget_old_events")
def forget_old_events() -> int:
    """Remove events a month after they came (Spec: S6.3)."""
    from bookings.payments.services import webhooks
    from instainstru import clock

    return webhooks.forget_events(clock.now())


@shared_task(name="payments.make_payouts")
def make_payouts() -> int:
    """Make the newest payday's payouts; also those that an earlier run did not come to."""
    from bookings.payments.services import payouts
    from instainstru import clock

    return payouts.make_payouts(clock.now())


@shared_task(name="payments.send_payouts")
def send_payouts() -> int:
    """Send the payouts that are due; two at once share the work."""
    from bookings.payments.services import payouts
    from instainstru import clock

    return payouts.send_payouts(clock.now())


@shared_task(name="payments.finish_payee_pages")
def finish_payee_pages() -> int:
    """Find bank details that were told at the gateway without coming back (Spec: S14.11)."""
    from bookings.payments.services import payee_pages
    from instainstru import clock

    return payee_pages.finish_payee_pages(clock.now())


@shared_task(name="payments.reconcile")
def reconcile() -> int:
    """Compare the gateway's books with ours; return how many payments differ (Spec: S14.3)."""
    from bookings.payments.services import reconciliation
    from instainstru import clock

    return reconciliation.reconcile(clock.now()).problem_count


@shared_task(name="payments.settle_refunds")
def settle_refunds() -> None:
    """Send the refunds that are due; two at once share the work."""
    from bookings.payments import services
    from instainstru import clock

    services.settle_refunds(clock.now())


@shared_task(name="payments.make_tax_records")
def make_tax_records() -> int:
    """Write last year's tax records, and those that an earlier run could not (Spec: S14.12)."""
    from bookings.payments.services import tax_records
    from instainstru import clock

    return tax_records.make_tax_records(clock.now())


@shared_task(name="payments.purge_tax_records")
def purge_tax_records() -> int:
    """Remove the tax records whose years are over (Spec: S6.8)."""
    from bookings.payments.services import tax_records
    from instainstru import clock

    return tax_records.purge_tax_records(clock.now())


@shared_task(name="payments.remove_at_gateways")
def remove_at_gateways() -> int:
    """Let gateways forget people whose accounts are gone (Spec: S6.2)."""
    from bookings.payments.services import removals
    from instainstru import clock

    return removals.remove_at_gateways(clock.now())

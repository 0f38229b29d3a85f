from django.db import migrations, models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Greatest


def allow_what_was_used(apps, schema_editor):
    """Write down how often each code could be used; a use that exists was allowed."""
    uses, codes = apps.get_model("payments", "PromoUse"), apps.get_model("payments", "PromoCode")
    limit = codes.objects.filter(pk=OuterRef("promo")).values("uses_per_user")
    uses.objects.update(allowed=Greatest(F("ordinal"), Subquery(limit)))


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0009_reconciliation"),
    ]

    operations = [
        migrations.AddField(
            model_name="promouse",
            name="allowed",
            field=models.PositiveSmallIntegerField(default=1),
            preserve_default=False,
        ),
        migrations.RunPython(allow_what_was_used, migrations.RunPython.noop, elidable=True),
        migrations.AddConstraint(
            model_name="promouse",
            constraint=models.CheckConstraint(
                condition=Q(ordinal__gte=1, ordinal__lte=F("allowed")),
                name="promo_use_within_allowed",
            ),
        ),
    ]

"""Give every learner a public id, so that no address or form carries a primary key."""

from django.db import migrations, models

import instainstru.identifiers

BATCH = 500


def fill(apps, schema_editor):
    """Write an id of its own into every row."""
    learner = apps.get_model("accounts", "Learner")
    rows = list(learner.objects.filter(public_id=None).only("pk"))
    for row in rows:
        row.public_id = instainstru.identifiers.public_id()
    learner.objects.bulk_update(rows, ["public_id"], batch_size=BATCH)


class Migration(migrations.Migration):
    """Add the column empty, fill it, then make it required and unique."""

    dependencies = [("accounts", "0002_roles")]

    operations = [
        migrations.AddField(
            model_name="learner",
            name="public_id",
            field=models.CharField(editable=False, max_length=10, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="learner",
            name="public_id",
            field=models.CharField(
                default=instainstru.identifiers.public_id, editable=False, max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="learner",
            constraint=models.UniqueConstraint(
                fields=("public_id",), name="learner_public_id_unique"
            ),
        ),
    ]

"""Give every person a public id, so that no address or form carries a primary key."""

from django.db import migrations, models

import instainstru.identifiers

BATCH = 500


def fill(apps, schema_editor):
    """Write an id of its own into every row."""
    user = apps.get_model("accounts", "User")
    rows = list(user.objects.filter(public_id=None).only("pk"))
    for row in rows:
        row.public_id = instainstru.identifiers.public_id()
    user.objects.bulk_update(rows, ["public_id"], batch_size=BATCH)


class Migration(migrations.Migration):
    """Add the column empty, fill it, then make it required and unique."""

    dependencies = [("accounts", "0003_learner_public_id")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="public_id",
            field=models.CharField(editable=False, max_length=10, null=True),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AlterField(
            model_name="user",
            name="public_id",
            field=models.CharField(
                default=instainstru.identifiers.public_id, editable=False, max_length=10
            ),
        ),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.UniqueConstraint(fields=("public_id",), name="user_public_id_unique"),
        ),
    ]

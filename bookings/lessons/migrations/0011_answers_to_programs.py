from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("lessons", "0010_running_late")]

    operations = [
        migrations.AddField(
            model_name="idempotencyrecord",
            name="answer",
            field=models.TextField(
                blank=True,
                # The release before this one goes on inserting rows without it.
                db_default="",
                help_text="JSON of the first answer to a program: names and a state.",
            ),
        ),
    ]

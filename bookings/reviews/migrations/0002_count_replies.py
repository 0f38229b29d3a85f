# The defaults stay in the database: the release before this one inserts rows without them.
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("catalog", "0013_tip_window"),
        ("reviews", "0001_reviews_and_statistics"),
    ]

    operations = [
        migrations.AddField(
            model_name="instructorstatistics",
            name="median_reply_minutes",
            field=models.PositiveIntegerField(
                default=0, db_default=0, help_text="Of the answers; says nothing without one."
            ),
        ),
        migrations.AddField(
            model_name="instructorstatistics",
            name="recent_question_count",
            field=models.PositiveIntegerField(
                default=0,
                db_default=0,
                help_text="Students' messages after a day of silence, in 30 days.",
            ),
        ),
        migrations.AddField(
            model_name="instructorstatistics",
            name="recent_quick_reply_count",
            field=models.PositiveIntegerField(
                default=0, db_default=0, help_text="Of them answered within two hours."
            ),
        ),
        migrations.AddField(
            model_name="instructorstatistics",
            name="recent_reply_count",
            field=models.PositiveIntegerField(
                default=0, db_default=0, help_text="Of them answered."
            ),
        ),
        migrations.AddConstraint(
            model_name="instructorstatistics",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("recent_quick_reply_count__lte", models.F("recent_reply_count")),
                    ("recent_reply_count__lte", models.F("recent_question_count")),
                ),
                name="statistics_replies_add_up",
            ),
        ),
    ]

from django.db import migrations, models


def mark(apps, schema_editor):
    reports = apps.get_model("lessons", "LessonReport").objects
    reports.filter(kind="safety").update(is_unsafe=True)


class Migration(migrations.Migration):
    dependencies = [("lessons", "0012_report_evidence")]

    operations = [
        migrations.AddField(
            model_name="lessonreport",
            name="is_unsafe",
            field=models.BooleanField(
                default=False,
                # The release before this one goes on inserting rows without it.
                db_default=False,
                help_text="One of the two did not feel safe, whoever reported first.",
                verbose_name="safety",
            ),
        ),
        migrations.RunPython(mark, migrations.RunPython.noop),
    ]

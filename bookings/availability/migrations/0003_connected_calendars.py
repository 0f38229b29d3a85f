import django.db.models.deletion
from django.db import migrations, models

import instainstru.clock

# Like the other layers of an instructor's time (0002): one note a statement and instructor.
NOTED = "".join(
    f"CREATE TRIGGER availability_busytime_{event}_noted AFTER {event} ON availability_busytime "
    f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT "
    "EXECUTE FUNCTION ii_note_calendar_change();"
    for event, rows in {"insert": "NEW", "update": "NEW", "delete": "OLD"}.items()
)
NOT_NOTED = "".join(
    f"DROP TRIGGER availability_busytime_{event}_noted ON availability_busytime;"
    for event in ("insert", "update", "delete")
)


class Migration(migrations.Migration):
    dependencies = [
        ("availability", "0002_calendar_changes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ConnectedCalendar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("name", models.CharField(max_length=40)),
                ("sealed_address", models.TextField()),
                ("address_digest", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField(default=instainstru.clock.now)),
                ("due_at", models.DateTimeField(default=instainstru.clock.now)),
                ("read_at", models.DateTimeField(blank=True, null=True)),
                ("failing_since", models.DateTimeField(blank=True, null=True)),
                ("fault", models.CharField(blank=True, max_length=20)),
                ("told_at", models.DateTimeField(blank=True, null=True)),
                ("dropped_at", models.DateTimeField(blank=True, null=True)),
                ("skipped_events", models.PositiveIntegerField(default=0)),
                (
                    "instructor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="connected_calendars",
                        to="catalog.instructor",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="BusyTime",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("start_at", models.DateTimeField()),
                ("end_at", models.DateTimeField()),
                (
                    "instructor",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.instructor",
                    ),
                ),
                (
                    "calendar",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="busy_times",
                        to="availability.connectedcalendar",
                    ),
                ),
            ],
        ),
        migrations.AddIndex(
            model_name="connectedcalendar",
            index=models.Index(fields=["due_at"], name="connected_calendar_due"),
        ),
        migrations.AddConstraint(
            model_name="connectedcalendar",
            constraint=models.UniqueConstraint(
                fields=("instructor", "address_digest"), name="connected_calendar_address_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="connectedcalendar",
            constraint=models.UniqueConstraint(
                fields=("instructor", "name"), name="connected_calendar_name_unique"
            ),
        ),
        migrations.AddConstraint(
            model_name="connectedcalendar",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("failing_since__isnull", True), ("fault", "")),
                    models.Q(
                        ("failing_since__isnull", False), models.Q(("fault", ""), _negated=True)
                    ),
                    _connector="OR",
                ),
                name="connected_calendar_fault_has_a_time",
            ),
        ),
        migrations.AddIndex(
            model_name="busytime",
            index=models.Index(fields=["instructor", "end_at"], name="busy_time_by_instructor"),
        ),
        migrations.AddConstraint(
            model_name="busytime",
            constraint=models.CheckConstraint(
                condition=models.Q(("start_at__lt", models.F("end_at"))), name="busy_time_ordered"
            ),
        ),
        migrations.AddConstraint(
            model_name="busytime",
            constraint=models.UniqueConstraint(
                fields=("calendar", "start_at"), name="busy_time_starts_once"
            ),
        ),
        migrations.RunSQL(NOTED, NOT_NOTED),
    ]

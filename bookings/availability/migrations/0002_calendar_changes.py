import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import bookings.availability.models

NOTE = """
CREATE FUNCTION ii_note_calendar_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO availability_calendarchange (instructor_id)
  SELECT DISTINCT instructor_id FROM changed;
  RETURN NULL;
END $$;
CREATE FUNCTION ii_note_override_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO availability_calendarchange (instructor_id)
  SELECT DISTINCT day.instructor_id
    FROM changed JOIN availability_overrideday AS day ON day.id = changed.day_id;
  RETURN NULL;
END $$;
"""
FORGET = """
DROP FUNCTION ii_note_calendar_change();
DROP FUNCTION ii_note_override_change();
"""
LAYERS = {
    "availability_availabilityrules": "ii_note_calendar_change",
    "availability_weeklywindow": "ii_note_calendar_change",
    "availability_overrideday": "ii_note_calendar_change",
    "availability_overridewindow": "ii_note_override_change",
    "availability_blackout": "ii_note_calendar_change",
}
# A statement has one note for each instructor, however many rows it changes.
ROWS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def notes_of(table, function):
    """Return the triggers of one table."""
    return migrations.RunSQL(
        "".join(
            f"CREATE TRIGGER {table}_{event}_noted AFTER {event} ON {table} "
            f"REFERENCING {rows} TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION {function}();"
            for event, rows in ROWS.items()
        ),
        "".join(f"DROP TRIGGER {table}_{event}_noted ON {table};" for event in ROWS),
    )


class Migration(migrations.Migration):
    dependencies = [
        ("availability", "0001_availability"),
        ("catalog", "0013_tip_window"),
    ]

    operations = [
        migrations.CreateModel(
            name="CalendarChange",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "transaction_id",
                    bookings.availability.models.TransactionNumber(
                        db_default=bookings.availability.models.CurrentTransaction()
                    ),
                ),
                (
                    "changed_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "instructor",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="catalog.instructor",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(fields=["transaction_id"], name="calendar_change_transaction"),
                    models.Index(fields=["changed_at"], name="calendar_change_at"),
                ],
            },
        ),
        migrations.RunSQL(NOTE, FORGET),
        *(notes_of(table, function) for table, function in LAYERS.items()),
    ]

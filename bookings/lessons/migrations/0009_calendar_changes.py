from django.db import migrations

EVENTS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


class Migration(migrations.Migration):
    dependencies = [
        ("lessons", "0008_weekly_series"),
        ("availability", "0002_calendar_changes"),
    ]

    operations = [
        migrations.RunSQL(
            "".join(
                f"CREATE TRIGGER lessons_booking_{event}_noted AFTER {event} ON lessons_booking "
                f"REFERENCING {rows} TABLE AS changed "
                "FOR EACH STATEMENT EXECUTE FUNCTION ii_note_calendar_change();"
                for event, rows in EVENTS.items()
            ),
            "".join(
                f"DROP TRIGGER lessons_booking_{event}_noted ON lessons_booking;"
                for event in EVENTS
            ),
        ),
    ]

"""Admins are admins by their role alone: Django's superusers become that, and stay it."""

from django.db import migrations, models


def give_the_role(apps, schema_editor):
    user = apps.get_model("accounts", "User")
    admin = apps.get_model("auth", "Group").objects.get(name="admin")
    for row in user.objects.filter(is_superuser=True):
        row.groups.add(admin)
        row.is_superuser = False
        row.save(update_fields=["is_superuser"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_audit_events"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.RunPython(give_the_role, migrations.RunPython.noop),
        migrations.AddConstraint(
            model_name="user",
            constraint=models.CheckConstraint(
                condition=models.Q(is_superuser=False), name="user_never_superuser"
            ),
        ),
    ]

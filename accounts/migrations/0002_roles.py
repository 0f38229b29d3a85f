from django.db import migrations

from accounts.role_sync import sync_roles


def write_roles(apps, schema_editor):
    sync_roles(apps.get_model)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_people"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(write_roles, migrations.RunPython.noop)]

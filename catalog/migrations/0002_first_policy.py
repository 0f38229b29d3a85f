from django.db import migrations


def write_first_policy(apps, schema_editor):
    """The business numbers start with the defaults of the specification."""
    policies = apps.get_model("catalog", "Policy").objects
    if not policies.exists():
        policies.create()


class Migration(migrations.Migration):
    dependencies = [("catalog", "0001_catalogue")]

    operations = [migrations.RunPython(write_first_policy, migrations.RunPython.noop)]

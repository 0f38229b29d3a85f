from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0012_uploaded_pictures")]

    operations = [
        migrations.CreateModel(
            name="StoppedNumber",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("digest", models.CharField(max_length=64, unique=True)),
                ("stopped_at", models.DateTimeField()),
            ],
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("payments", "0012_payee_pages"),
    ]

    operations = [
        migrations.AddField(
            model_name="refund",
            name="returns",
            field=models.PositiveSmallIntegerField(
                default=0,
                # The release before this one goes on inserting rows without it.
                db_default=0,
                help_text="How often it came back after it was settled.",
            ),
        ),
        migrations.AlterField(
            model_name="ledgertransaction",
            name="kind",
            field=models.CharField(
                choices=[
                    ("charge", "Charge"),
                    ("orphan_charge", "Charge without a lesson"),
                    ("refund", "Refund ordered"),
                    ("refund_settled", "Refund settled"),
                    ("refund_failed", "Refund came back"),
                    ("gift", "Credit from the platform"),
                    ("payout", "Payout"),
                    ("tip", "Tip"),
                ],
                max_length=20,
            ),
        ),
    ]

from django.db import migrations

# Vectors have the dimension of their model, so the index says for which one it is made.
INDEX = """
CREATE INDEX CONCURRENTLY offering_vector_near ON search_offeringvector
 USING hnsw ((vector::halfvec(384)) halfvec_cosine_ops) WHERE vector_dims(vector) = 384
"""
DROP = "DROP INDEX CONCURRENTLY IF EXISTS offering_vector_near"


class Migration(migrations.Migration):
    # A hundred thousand vectors take half a minute, in which offers are still embedded.
    atomic = False

    dependencies = [("search", "0003_vectors_of_offerings")]

    operations = [
        migrations.RunSQL("SET maintenance_work_mem = '512MB'", migrations.RunSQL.noop),
        # One that was cut off while it was built is there and serves nobody.
        migrations.RunSQL(DROP, migrations.RunSQL.noop),
        migrations.RunSQL(INDEX, DROP),
        migrations.RunSQL("RESET maintenance_work_mem", migrations.RunSQL.noop),
    ]

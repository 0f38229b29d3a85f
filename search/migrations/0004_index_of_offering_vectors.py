from django.db import migrations

# Vectors have the dimension of their model, so the index says for which one it is made.
INDEX = """
CREATE INDEX {concurrently} offering_vector_near ON search_offeringvector
 USING hnsw ((vector::halfvec(384)) halfvec_cosine_ops) WHERE vector_dims(vector) = 384
"""
DROP = "DROP INDEX IF EXISTS offering_vector_near"


def build(apps, schema_editor):
    """A hundred thousand vectors take half a minute, in which offers are still embedded; but an
    index that nobody must wait for waits itself for everybody, so an empty table does without.
    """
    # One that was cut off while it was built is there and serves nobody.
    schema_editor.execute(DROP)
    is_empty = not apps.get_model("search", "OfferingVector").objects.exists()
    if not is_empty:
        schema_editor.execute("SET maintenance_work_mem = '512MB'")
    schema_editor.execute(INDEX.format(concurrently="" if is_empty else "CONCURRENTLY"))
    schema_editor.execute("RESET maintenance_work_mem")


def remove(apps, schema_editor):
    schema_editor.execute(DROP)


class Migration(migrations.Migration):
    # Nothing is built concurrently within a transaction.
    atomic = False

    dependencies = [("search", "0003_vectors_of_offerings")]

    operations = [migrations.RunPython(build, remove)]

"""Write the encoder's graph from the installed weights (Spec: S8.10)."""

from typing import Any

from django.core.management.base import BaseCommand

from search.encoder.model import export_model, installed_model


class Command(BaseCommand):
    """Make the ONNX graph that web processes encode queries with; a second run does nothing."""

    help = "Write the query encoder's ONNX graph from the installed weights."

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what was done; without weights search stays in lexical mode."""
        model = installed_model()
        if model is None:
            self.stdout.write("No weights are installed: search works by words alone.")
            return
        written = export_model(model)
        state = "written" if written else "already there"
        self.stdout.write(f"{model.name} ({model.dimension} numbers): graph {state}.")

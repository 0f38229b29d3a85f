"""When an instructor can teach."""

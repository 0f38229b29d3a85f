"""The project's own database engine: PostgreSQL behind the tier gate."""

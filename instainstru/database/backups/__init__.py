"""Backups of the database: sealed archives with a signed manifest beside each. Spec: S19."""

"""What happened: searches, what they showed, and what people did with it (Spec: S3)."""

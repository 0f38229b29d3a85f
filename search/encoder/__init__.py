"""Texts as vectors: 384 numbers whose angle says how alike two texts are (Spec: S8.10)."""

"""What the product knows about people, and what becomes of it."""

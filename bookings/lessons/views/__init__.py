"""Pages of the lesson's path, one module per noun."""

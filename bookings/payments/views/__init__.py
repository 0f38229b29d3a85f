"""Pages and endpoints of money."""

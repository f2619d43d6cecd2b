"""Feature sets: windows over accepted signals, and their values as of an instant. Pure."""

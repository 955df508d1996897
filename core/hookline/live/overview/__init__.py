"""What people look at: how every model of a home stands, what needs attention, and how a model did over time, as plain data."""

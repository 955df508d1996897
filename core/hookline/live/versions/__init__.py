"""The life of a version after it was registered: another format, another machine, tags, an end, and what differs from another."""

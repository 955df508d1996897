"""What the parts of a pipeline and the formats that it may be written in say of each other before anything runs."""

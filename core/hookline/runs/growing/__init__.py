"""Whether more rows would help: the pipeline fitted to parts of the training rows, judged by the same held-out rows."""

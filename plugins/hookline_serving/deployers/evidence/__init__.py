"""What the figures of two arms say against their being alike, however often one looks."""

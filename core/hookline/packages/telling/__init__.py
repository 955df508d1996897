"""What a package tells of itself: its input contract, its features, and what its answers go by."""

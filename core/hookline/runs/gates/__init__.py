"""What may say no to a run: its audit and its gates, and what speaks against its package taking over."""

"""How answers are made of what a model says: by a rule that is chosen on rows that it did not learn from."""

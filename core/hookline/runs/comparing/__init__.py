"""Two runs told apart by the same held-out rows, by rows of one sort, by the labels that changed, and by the same folds."""
